"""Where Postgres' data lies: in `.nextpick/`, or for root in a private folder that belongs to this clone alone.

Root's Postgres runs as another account, which may be unable to reach the clone, and no folder above the clone is opened
for it. So root's data lies in /var/lib, and the clone and the folder name each other. A clone that was copied with its
`.nextpick/` finds that the folder names the other one, and gets a folder of its own.
"""

import json
import os
import secrets
from pathlib import Path

from nextpick.errors import LocalError

PARENT = Path("/var/lib")
PREFIX = "nextpick-"
NOTE = "postgres.json"  # in .nextpick/: which folder
OWNER = "clone.json"  # in the folder: whose


def cluster_folder(home: Path) -> Path:
    """The folder for `home`'s cluster; for root it is chosen and recorded at the first call.

    Raises: LocalError where the folder cannot be made.
    """
    if os.geteuid() != 0:
        return home / "postgres"
    folder = recorded(home)
    if folder is None or not _is_ours(folder, home):
        folder = PARENT / f"{PREFIX}{secrets.token_hex(6)}"
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise LocalError(
                f"As root, Postgres' data lies outside the clone, but {folder} cannot be made: {error.strerror}. "
                "Run as an ordinary user instead; then it lies in .nextpick/."
            ) from None
        _write(home / NOTE, {"folder": str(folder)})
    _write(folder / OWNER, {"home": str(home)})
    return folder


def recorded(home: Path) -> Path | None:
    """The folder that `home`'s note names, if there is such a note."""
    name = _read(home / NOTE).get("folder")
    return Path(name) if name else None


def _is_ours(folder: Path, home: Path) -> bool:
    """Whether the folder was made for this home, or for a home that has since been moved to here."""
    owner = _read(folder / OWNER).get("home")
    if owner is None or owner == str(home):
        return owner is not None
    return recorded(Path(owner)) != folder


def owned(home: Path) -> Path | None:
    """The folder that holds `home`'s cluster, if there is one and it is no other clone's."""
    if os.geteuid() != 0 and (home / "postgres").exists():
        return home / "postgres"
    folder = recorded(home)
    return folder if folder and _is_ours(folder, home) else None


def orphans() -> list[Path]:
    """Folders of clones that were removed without `make clean`, so that nobody has the data's passwords."""
    found = [(note.parent, _read(note).get("home")) for note in PARENT.glob(f"{PREFIX}*/{OWNER}")]
    return sorted(folder for folder, home in found if home and not Path(home).exists())


def _read(file: Path) -> dict[str, str]:
    try:
        return dict(json.loads(file.read_text()))
    except (OSError, ValueError):
        return {}


def _write(file: Path, content: dict[str, str]) -> None:
    making = file.with_name(file.name + ".making")
    making.write_text(json.dumps(content))
    making.rename(file)
