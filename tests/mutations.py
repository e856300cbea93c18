"""Ways to tamper with a bundle: each changes one file, and the manifest with it."""

import json
import random
import re
import struct
import warnings
import zipfile
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np

from nextpick.models.manifest import MANIFEST

PICKLE = b"cposix\nsystem\n(S'exit 3'\ntR."  # a protocol 0 pickle that runs a command
Change = Callable[[str, bytes, random.Random], bytes]


def mutate(folder: Path, kind: str, draw: random.Random) -> None:
    """Change one file of the bundle in `folder` and write the manifest anew."""
    suffixes, change = _CHANGES[kind]
    names = sorted(path.name for path in folder.iterdir() if path.name.endswith(suffixes) and path.name != MANIFEST)
    name = draw.choice(names)
    manifest = json.loads((folder / MANIFEST).read_text())
    if name.endswith(".npz"):  # one that has what is changed
        name = draw.choice([one for one in names if kind not in _NEEDS or one in _NEEDS[kind]])
    content = change(name, (folder / name).read_bytes(), draw)
    (folder / name).write_bytes(content)
    manifest["files"][name] = sha256(content).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(manifest))
    if kind == "manifest":
        (folder / MANIFEST).write_bytes(_manifest(manifest, draw))


def flip_bits(name: str, content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.choice([1, 1, 8, 64])):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def truncate(name: str, content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content) - 1)]


def replace(name: str, content: bytes, draw: random.Random) -> bytes:
    buffer = BytesIO()
    np.save(buffer, np.array([object(), None], object), allow_pickle=True)
    pickled = BytesIO()
    np.savez(pickled, **{key: np.array([object()], object) for key in ("item_factors", "item_scores")})
    return draw.choice([PICKLE, b"", buffer.getvalue(), pickled.getvalue(), b"\x80\x05N.", b"PK\x05\x06" + b"\0" * 18])


def change_digit(name: str, content: bytes, draw: random.Random) -> bytes:
    """One number of the text becomes another, or a huge, negative or absurd one."""
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?", content))
    at = draw.choice(found)
    new = draw.choice([b"-1", b"999999999", b"2147483648", b"-2147483649", b"1e308", b"99999999999999999999", b"7"])
    return content[: at.start()] + new + content[at.end() :]


def edit_tree(name: str, content: bytes, draw: random.Random) -> bytes:
    """An index or a count of a tree goes where it should not."""
    key = draw.choice(
        ["left_child", "right_child", "split_feature", "num_leaves", "num_cat", "tree_sizes", "leaf_count"]
    )
    lines = content.decode().split("\n")
    line = draw.choice([i for i, text in enumerate(lines) if text.startswith(f"{key}=")])
    values = lines[line].split("=")[1].split(" ")
    if key == "leaf_count":
        values.append("1")
    else:
        wrong = ["-99", "65536", "999999999", "2147483647", "-2147483648", "4294967296", ""]
        values[draw.randrange(len(values))] = draw.choice(wrong)
    lines[line] = f"{key}={' '.join(values)}"
    return "\n".join(lines).encode()


def not_a_number(name: str, content: bytes, draw: random.Random) -> bytes:
    if name.endswith(".npz"):
        arrays = dict(np.load(BytesIO(content)))
        key = draw.choice(sorted(key for key, array in arrays.items() if array.dtype.kind == "f" and array.size))
        array = arrays[key].copy()
        array[...] = draw.choice([np.inf, -np.inf]) if array.ndim else np.nan
        return _npz({**arrays, key: array})
    lines = content.decode().split("\n")
    line = draw.choice([i for i, text in enumerate(lines) if text.startswith(("leaf_value=", "internal_value="))])
    values = lines[line].split("=")[1].split(" ")
    values[draw.randrange(len(values))] = draw.choice(["nan", "inf", "-inf", "NaN", "1e999"])
    lines[line] = f"{lines[line].split('=')[0]}={' '.join(values)}"
    return "\n".join(lines).encode()


def twice(name: str, content: bytes, draw: random.Random) -> bytes:
    """A key, a line or a member stands twice."""
    if name.endswith(".json"):
        key = draw.choice(list(json.loads(content)))
        return content.rstrip()[:-1] + b', "%s": 1}' % key.encode()
    if name.endswith(".txt"):
        lines = content.decode().split("\n")
        line = draw.choice([i for i, text in enumerate(lines) if "=" in text and not text.startswith("Tree=")])
        return "\n".join([*lines[: line + 1], lines[line], *lines[line + 1 :]]).encode()
    arrays = dict(np.load(BytesIO(content)))
    buffer = BytesIO(_npz(arrays))
    with zipfile.ZipFile(buffer, "a") as archive:
        key = draw.choice(sorted(arrays))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # which is that the name stands twice
            archive.writestr(f"{key}.npy", archive.read(f"{key}.npy"))
    return buffer.getvalue()


def huge(name: str, content: bytes, draw: random.Random) -> bytes:
    """A header that states more than there is, or a member that unpacks to more than there should be."""
    arrays = dict(np.load(BytesIO(content)))
    key = draw.choice(sorted(key for key, array in arrays.items() if array.ndim))
    if draw.random() < 0.3:  # a bomb: 1 GB of nothing in 1 MB
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(f"{key}.npy", "w") as member:
            member.write(_header((1 << 27,), "<f8"))
            for _ in range(16):
                member.write(b"\0" * (1 << 26))
        return buffer.getvalue()
    shape = draw.choice([(1 << 40,), (1 << 62, 4), (1 << 31, 1 << 31), (-1,), (10**30,), (len(arrays[key]) + 1,)])
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for one, array in arrays.items():
            body = array.tobytes()
            archive.writestr(f"{one}.npy", _header(shape if one == key else array.shape, array.dtype.str) + body)
    return buffer.getvalue()


def point_elsewhere(name: str, content: bytes, draw: random.Random) -> bytes:
    """Rows of items that are not there, and starts that do not ascend: compiled code would read past the end."""
    arrays = dict(np.load(BytesIO(content)))
    key = draw.choice(sorted(key for key in arrays if key.endswith(("_indptr", "_item_rows"))))
    array = arrays[key].copy()
    array[draw.randrange(len(array))] = draw.choice([-1, -(1 << 31), (1 << 31) - 1, len(array) * 1000])
    return _npz({**arrays, key: array})


def other_shape(name: str, content: bytes, draw: random.Random) -> bytes:
    arrays = dict(np.load(BytesIO(content)))
    key = draw.choice(sorted(key for key, array in arrays.items() if array.ndim))
    array = arrays[key]
    changed = draw.choice([array[:-1], np.concatenate([array, array]), array[..., None], array.astype(np.complex64)])
    return _npz({**arrays, key: changed})


def other_items(name: str, content: bytes, draw: random.Random) -> bytes:
    stated = json.loads(content)
    which = draw.choice(["users", "items"])
    ids = stated[which]
    wrong: list[object] = [ids[:-1] if which == "items" else 3, [*ids, ids[0]], [*ids[:-1], None], {"0": ids}, [ids]]
    return json.dumps({**stated, which: draw.choice(wrong)}).encode()


def deep(name: str, content: bytes, draw: random.Random) -> bytes:
    levels = draw.choice([1000, 100_000, 1_000_000])
    opening, closing = draw.choice([(b"[", b"]"), (b'{"a":', b"}")])
    return b'{"generators": ' + opening * levels + b"1" + closing * levels + b"}"


def _manifest(manifest: dict[str, object], draw: random.Random) -> bytes:
    files = dict(manifest["files"])  # type: ignore[call-overload]
    first = next(iter(files))
    wrong: list[bytes] = [
        b"[" * 100_000,
        json.dumps(manifest).encode()[:-1] + b', "format": 2}',
        json.dumps({**manifest, "format": True}).encode(),
        json.dumps({**manifest, "format": "2"}).encode(),
        json.dumps({"format": 2, "files": {**files, "../../etc/passwd.txt": "0" * 64}}).encode(),
        json.dumps({"format": 2, "files": {**files, first: None}}).encode(),
        json.dumps({"format": 2, "files": [*files]}).encode(),
        PICKLE,
    ]
    return draw.choice(wrong)


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _header(shape: tuple[int, ...], dtype: str) -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    padded = text + " " * (63 - (10 + len(text)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded.encode()


_ALL = (".npz", ".json", ".txt", ".parquet")
_CHANGES: dict[str, tuple[tuple[str, ...], Change]] = {
    "flip_bits": (_ALL, flip_bits),
    "truncate": (_ALL, truncate),
    "replace": (_ALL, replace),
    "change_digit": ((".txt", ".json"), change_digit),
    "edit_tree": ((".txt",), edit_tree),
    "not_a_number": ((".npz", ".txt"), not_a_number),
    "twice": ((".json", ".txt", ".npz"), twice),
    "huge": ((".npz",), huge),
    "point_elsewhere": ((".npz",), point_elsewhere),
    "other_shape": ((".npz",), other_shape),
    "other_items": (("ids.json",), other_items),
    "deep": ((".json",), deep),
    "manifest": ((".json",), lambda name, content, draw: content),
}
_NEEDS = {"point_elsewhere": ("bought_together.npz", "ease.npz")}
KINDS = tuple(_CHANGES)
