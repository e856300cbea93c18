"""Bundles from an object store, kept on this machine's disk: each in `<cache>/<sha256>`, whence it is read.

A bundle is there whole or not at all: it is fetched into a draft, every file compared with the manifest, and then
renamed. What is there is compared again whenever it is asked for; where it does not match, it is fetched anew. While
the store is away, what is there goes on being served.
"""

import errno
import shutil
from collections.abc import Callable
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path
from time import time
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from filelock import FileLock, Timeout

from nextpick.errors import BundleError
from nextpick.models import manifest

KEPT = 3  # bundles beside the one asked for: the live one, one to go back to, and one more
ABANDONED_SECONDS = 86_400.0  # a draft this old is of a process that was killed
LOCK_SECONDS = 120.0  # for another process to be done fetching; whoever asked then asks again later
CONNECT_SECONDS, SILENCE_SECONDS, FILE_SECONDS = 10.0, 30.0, 900.0  # of a web server
_DRAFT = ".draft-"


def folder(uri: str, sha256: str, cache: Path | None) -> Path:
    """Where on this machine the bundle of a release lies; fetched first where its URI leads elsewhere.

    `uri` is a path, or a URL that fsspec knows: file, http, s3, gs, abfs, ... A path or file is given back as it is,
    and needs no `cache`.

    Raises: BundleError where the store has no such bundle, another one, or is away and the bundle is not here; where
    the disk is full; where another process is still fetching after LOCK_SECONDS; or where the library for that kind of
    URL is not installed.
    """
    parts = urlsplit(uri)
    if parts.scheme in ("", "file"):
        return Path(unquote(parts.path)) if parts.scheme else Path(uri)
    if cache is None:
        raise BundleError(f"The bundle in {shown(uri)} is not on this machine. Set NEXTPICK_BUNDLE_CACHE to a folder.")
    cache = cache.resolve()
    target = cache / sha256
    try:
        cache.mkdir(parents=True, exist_ok=True)
        # Of two workers one fetches, and the other finds it there.
        with FileLock(cache / f".{sha256}.lock", timeout=LOCK_SECONDS):
            if not _is_whole(target, sha256):
                _fetch(uri, sha256, target)
            target.touch()
        _drop_old(cache, target)
    except Timeout as error:
        raise BundleError(
            f"Another process is fetching {shown(uri)} and was not done within {LOCK_SECONDS:g} s. Ask again once "
            f"it is; if it hangs, end the one that holds {error.lock_file}."
        ) from error
    except OSError as error:
        raise BundleError(_disk(error, cache)) from error
    return target


def _is_whole(target: Path, sha256: str) -> bool:
    """Whether what is there is what was fetched. What is not is removed; what cannot be read just now is not."""
    try:
        stated = manifest.parse((target / manifest.MANIFEST).read_bytes(), str(target), sha256)
        if all(_sum(target / name) == expected for name, expected in stated.sums.items()):
            return True
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, BundleError):
        pass
    shutil.rmtree(target, ignore_errors=True)
    return False


def _fetch(uri: str, sha256: str, target: Path) -> None:
    for left in target.parent.glob(f"{_DRAFT}{sha256}-*"):  # by one that was killed: the lock is ours
        shutil.rmtree(left, ignore_errors=True)
    draft = target.with_name(f"{_DRAFT}{sha256}-{uuid4().hex}")
    draft.mkdir()
    try:
        get = _getter(uri)
        get(manifest.MANIFEST, draft)
        stated = manifest.parse((draft / manifest.MANIFEST).read_bytes(), shown(uri), sha256)
        for name, expected in stated.sums.items():
            get(name, draft)
            if _sum(draft / name) != expected:
                raise BundleError(
                    f"{shown(uri)}/{name} is not the file the manifest names: it was changed, or cut off on its way. "
                    "Put the bundle there again."
                )
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _getter(uri: str) -> Callable[[str, Path], None]:
    """What copies a file of the bundle into a folder. Raises: BundleError; OSError where our disk refuses it.

    Stores put the URL into what they raise, with the key or signature in it: none of their words are passed on.
    """
    import fsspec

    try:
        store, root = fsspec.url_to_fs(uri, **_patience(uri))
    except ImportError as error:  # says what to install, and knows no URL
        raise BundleError(
            f"Cannot read {shown(uri)}: {error}. Install what it names, or give a path, file:// or http."
        ) from None
    except (OSError, ValueError) as error:  # some ask the store as soon as they are made
        raise BundleError(
            f"Cannot open {shown(uri)}: {_said(error)}. Is the store up, and is it a kind of URL that fsspec knows?"
        ) from None

    def get(name: str, into: Path) -> None:
        try:
            store.get_file(f"{root.rstrip('/')}/{name}", str(into / name))
        except FileNotFoundError:
            raise BundleError(f"There is no bundle in {shown(uri)}: it has no {name}. Put it there again.") from None
        except Exception as error:  # each store raises errors of its own
            if isinstance(error, OSError) and error.errno in _OF_OUR_DISK:
                raise
            raise BundleError(
                f"Cannot fetch {name} from {shown(uri)}: {_said(error)}. Is the store up, and may this machine read it?"
            ) from None

    return get


def _patience(uri: str) -> dict[str, Any]:
    """How long to wait for a store, in the words of its kind. Others than web servers keep their library's limits."""
    if urlsplit(uri).scheme not in ("http", "https"):
        return {}
    from aiohttp import ClientTimeout

    timeout = ClientTimeout(total=FILE_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
    return {"client_kwargs": {"timeout": timeout}}


_OF_OUR_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def _said(error: BaseException) -> str:
    """Its type, and its status where a web server gave one."""
    status = getattr(error, "status", None)
    return f"{type(error).__name__} {status}" if isinstance(status, int) else type(error).__name__


def _disk(error: OSError, cache: Path) -> str:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    remedy = "Free some space" if full else "Let this process write there"
    return (
        f"Cannot keep a bundle in {cache}: {error.strerror}. {remedy}, or set NEXTPICK_BUNDLE_CACHE to another folder."
    )


def _drop_old(cache: Path, target: Path) -> None:
    """What was asked for longest ago goes, and what killed processes left."""
    with suppress(OSError):  # another worker may be at it
        for draft in cache.glob(f"{_DRAFT}*"):
            if time() - draft.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(draft, ignore_errors=True)
        there = [one for one in cache.iterdir() if one.is_dir() and not one.name.startswith(".") and one != target]
        for old in sorted(there, key=lambda one: one.stat().st_mtime, reverse=True)[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def shown(uri: str) -> str:
    """A URI without what opens the door."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl().rstrip("/")
