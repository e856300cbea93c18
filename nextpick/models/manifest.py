"""Plain files under a manifest of their sha256s, whose own sha256 names them all.

Every file is read once, compared with the manifest, and given on as it was read: what is parsed is what was checked.
"""

import json
import re
from collections.abc import Mapping
from hashlib import sha256 as hash_of
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from nextpick.errors import BundleError
from nextpick.models import strict_json

FORMAT = 2  # 2: ranks are among all candidates, importance is kept, and the item table has more columns
READABLE = (1, FORMAT)  # the one before it, too: a release of it may be gone back to
MANIFEST = "manifest.json"
_MOST_BYTES = {".json": 1 << 31, ".txt": 1 << 28, ".parquet": 1 << 33, ".npz": 1 << 36}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\.(npz|json|parquet|txt)")


class Checked(NamedTuple):
    """What a folder holds, as its manifest promises it: each file's content, the manifest's sha256, the format."""

    files: dict[str, bytes]
    sha256: str
    version: int


class Stated(NamedTuple):
    """What a manifest promises: each file's sha256, the manifest's own, the format."""

    sums: dict[str, str]
    sha256: str
    version: int


def write(files: Mapping[str, bytes], folder: Path) -> str:
    """Write the files into `folder`, made if need be, and return the manifest's sha256.

    The manifest is written last: a folder without one is no bundle. The same files give the same sha256.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    sums = {name: hash_of(content).hexdigest() for name, content in sorted(files.items())}
    manifest = json.dumps({"format": FORMAT, "files": sums}, indent=1).encode()
    (folder / MANIFEST).write_bytes(manifest)
    return hash_of(manifest).hexdigest()


def read(folder: Path, sha256: str | None = None) -> Checked:
    """The content of every file, as the manifest promises it.

    Raises: BundleError where a file is absent or changed, the manifest is not the one `sha256` names, or the format is
    none of READABLE.
    """
    stated = parse(_read(folder / MANIFEST), str(folder), sha256)
    files = {}
    for name, expected in stated.sums.items():
        files[name] = _read(folder / name)
        if hash_of(files[name]).hexdigest() != expected:
            raise BundleError(
                f"{folder / name} is not the file the manifest names: it was changed. Restore the bundle."
            )
    return Checked(files, stated.sha256, stated.version)


def parse(manifest: bytes, place: str, sha256: str | None = None) -> Stated:
    """What a manifest in `place` promises. Raises: BundleError as `read` does."""
    found = hash_of(manifest).hexdigest()
    if sha256 is not None and found != sha256:
        raise BundleError(
            f"The bundle in {place} is not the one that was registered: its sha256 is {found}, not {sha256}. "
            "Restore it from the registry."
        )
    try:
        stated = strict_json.loads(manifest)
        version, sums = stated["format"], dict(stated["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{place}/{MANIFEST} is no manifest: {error}. Restore the bundle.") from error
    if type(version) is not int or version not in READABLE:
        raise BundleError(
            f"The bundle in {place} has format {version}, and this code reads {' and '.join(map(str, READABLE))}. "
            "Use the NextPick that made it, or train again."
        )
    for name in sums:
        if not _NAME.fullmatch(name):
            raise BundleError(f"{place}/{MANIFEST} names {name!r}, which is no file of a bundle. Restore the bundle.")
    return Stated(sums, found, version)


def _read(path: Path) -> bytes:
    """Not more than a file of that kind may have, and no device or pipe, which may never end."""
    most = _MOST_BYTES[path.suffix]
    try:
        found = path.stat()
        content = path.read_bytes() if S_ISREG(found.st_mode) and found.st_size <= most else None
    except OSError as error:
        raise BundleError(f"There is no bundle in {path.parent}: cannot read {path.name}, {error.strerror}.") from error
    if content is None:
        raise BundleError(f"{path} is no plain file, or larger than {most} bytes. Restore the bundle.")
    return content
