"""What one part of housekeeping did, or would do."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Freed:
    """`size` in bytes; `said` are the things that went, or would; `alarms` what somebody should look into."""

    size: int = 0
    said: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)

    def also(self, more: "Freed") -> "Freed":
        """This and what another part freed."""
        return Freed(self.size + more.size, [*self.said, *more.said], [*self.alarms, *more.alarms])

    def add(self, what: str, size: int = 0) -> None:
        """Something goes, of so many bytes."""
        self.said.append(what)
        self.size += size


def bytes_of(path: Path) -> int:
    """Of a file, or of all files below a folder, hard links counted once; what vanishes meanwhile counts nothing."""
    seen, total = set(), 0
    for file in [path, *path.rglob("*")] if path.is_dir() else [path]:
        try:
            found = file.lstat()
        except OSError:
            continue
        if (found.st_dev, found.st_ino) not in seen:
            seen.add((found.st_dev, found.st_ino))
            total += found.st_size
    return total
