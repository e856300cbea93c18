"""A backup as one file: a tar of plain files, the first of which, the manifest, names each with its sha256.

It appears under its name whole or not at all, and nothing is taken out of one before all of it has been checked.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from nextpick.errors import UpkeepError

MANIFEST = "manifest.json"
FORMAT = 1
_PIECE = 1 << 20


def write(target: Path, files: Mapping[str, Path], about: Mapping[str, Any]) -> int:
    """Write the files, by their names in the archive, and what is to be known `about` them; returns the bytes.

    Raises: UpkeepError where there is no room, or `target` cannot be written.
    """
    making = target.with_name(f".{target.name}.making")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with making.open("wb") as out:
            os.fchmod(out.fileno(), 0o600)  # it holds what users did
            with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
                sums = {name: _sha256(path) for name, path in files.items()}
                _add(tar, MANIFEST, json.dumps({"format": FORMAT, **about, "files": sums}, indent=1).encode())
                for name, path in files.items():
                    tar.add(path, name, recursive=False)
            out.flush()
            os.fsync(out.fileno())
        check(making)  # a file that changed meanwhile would make it useless
        making.rename(target)
    except OSError as error:
        raise UpkeepError(
            f"Cannot write {target}: {error.strerror}. Free space there, or name another place; nothing was changed."
        ) from None
    finally:
        making.unlink(missing_ok=True)
    return target.stat().st_size


def check(source: Path) -> dict[str, Any]:
    """The manifest of an archive all of whose files are as it says.

    Raises: UpkeepError where one is absent or changed, or it is no backup of a format this code reads.
    """
    try:
        with tarfile.open(source, "r:") as tar:
            about = _manifest(tar, source)
            found = {}
            for member in tar.getmembers():
                content = tar.extractfile(member)
                if member.name != MANIFEST and content is not None:
                    found[member.name] = _digest(content)
    except (OSError, tarfile.TarError) as error:
        raise UpkeepError(f"{source} cannot be read as a backup: {error}. Nothing was changed.") from None
    if wrong := sorted(
        name for name in about["files"].keys() | found.keys() if about["files"].get(name) != found.get(name)
    ):
        raise UpkeepError(
            f"{source} is damaged: {', '.join(wrong[:5])} is not as its manifest says. Nothing was changed."
        )
    return about


def unpack(source: Path, folder: Path) -> None:
    """Take everything out of an archive that was checked, into a folder."""
    with tarfile.open(source, "r:") as tar:
        tar.extractall(folder, filter="data")


def _manifest(tar: tarfile.TarFile, source: Path) -> dict[str, Any]:
    first = tar.next()
    content = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
    if content is None:
        raise UpkeepError(f"{source} is no backup of NextPick: it does not begin with {MANIFEST}. Nothing was changed.")
    about: dict[str, Any] = json.loads(content.read())
    if about["format"] != FORMAT:
        raise UpkeepError(
            f"{source} has format {about['format']}, and this code reads {FORMAT}. Restore it with the NextPick that "
            f"made it, {about.get('nextpick', 'unknown')}, or a newer one. Nothing was changed."
        )
    return about


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    tar.addfile(member, io.BytesIO(content))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return _digest(file)


def _digest(file: "IO[bytes]") -> str:
    digest = hashlib.sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()
