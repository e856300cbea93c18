"""Plain files under a manifest of their sha256s, whose own sha256 names them all.

Every file is read once, compared with the manifest, and given on as it was read: what is parsed is what was checked.
"""

import json
import re
from collections.abc import Mapping
from hashlib import sha256 as hash_of
from pathlib import Path

from nextpick.errors import BundleError

FORMAT = 2  # 2: ranks are among all candidates, and importance is kept
MANIFEST = "manifest.json"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\.(npz|json|parquet|txt)")


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


def read(folder: Path, sha256: str | None = None) -> tuple[dict[str, bytes], str]:
    """The content of every file, as the manifest promises it, and the manifest's sha256.

    Raises: BundleError where a file is absent or changed, or the manifest is not the one `sha256` names.
    """
    manifest = _read(folder / MANIFEST)
    found = hash_of(manifest).hexdigest()
    if sha256 is not None and found != sha256:
        raise BundleError(
            f"The bundle in {folder} is not the one that was registered: its sha256 is {found}, not {sha256}. "
            "Restore it from the registry."
        )
    try:
        stated = json.loads(manifest)
        version, sums = stated["format"], dict(stated["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{folder / MANIFEST} is no manifest: {error}. Restore the bundle.") from error
    if version != FORMAT:
        raise BundleError(f"The bundle in {folder} has format {version}, and this code reads {FORMAT}. Train again.")
    files = {}
    for name, expected in sums.items():
        if not _NAME.fullmatch(name):
            raise BundleError(f"{folder / MANIFEST} names {name!r}, which is no file of a bundle. Restore the bundle.")
        files[name] = _read(folder / name)
        if hash_of(files[name]).hexdigest() != expected:
            raise BundleError(
                f"{folder / name} is not the file the manifest names: it was changed. Restore the bundle."
            )
    return files, found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"There is no bundle in {path.parent}: cannot read {path.name}, {error.strerror}.") from error
