"""Plain arrays as an npz, read from bytes that nobody vouches for.

numpy's own reader makes room for as many elements as a header states, and inflates whatever is compressed. Here every
member must be stored as it is and be as long as its header says, so nothing larger than the file is ever made; of its
types only numbers, never objects.
"""

import math
from collections.abc import Mapping
from io import BytesIO
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np

_MOST_ARRAYS = 64
_TYPES = frozenset({"<f4", "<f8", "<i2", "<i4", "<i8", "|b1", "|i1", "|u1"})
_MOST_DIMENSIONS = 3


def dump(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The same arrays give the same bytes."""
    buffer = BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def load(stored: bytes) -> dict[str, np.ndarray]:
    """What `dump` was given. Raises: ValueError."""
    try:
        with ZipFile(BytesIO(stored)) as archive:
            members = archive.infolist()
            _look_over(members, len(stored))
            return {member.filename.removesuffix(".npy"): _array(archive.read(member)) for member in members}
    except (BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, OverflowError) as error:
        raise ValueError(f"it is no npz: {error}") from error


def _look_over(members: list[ZipInfo], size: int) -> None:
    names = [member.filename for member in members]
    if len(members) > _MOST_ARRAYS or len(set(names)) < len(names):
        raise ValueError(f"it has {len(members)} arrays, {len(names) - len(set(names))} of them under a name twice")
    for member in members:
        if not member.filename.endswith(".npy") or not member.filename.removesuffix(".npy").isidentifier():
            raise ValueError(f"{member.filename[:60]!r} is no array")
        if member.compress_type != ZIP_STORED or member.compress_size != member.file_size or member.flag_bits & 1:
            raise ValueError(f"{member.filename} is compressed or encrypted, which NextPick's own are not")
    if sum(member.file_size for member in members) > size:
        raise ValueError("its arrays are longer than it is")


def _array(member: bytes) -> np.ndarray:
    """A member's array, in memory of its own."""
    stream = BytesIO(member)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"an array has the format {version}, not (1, 0)")
    try:
        shape, by_column, dtype = np.lib.format.read_array_header_1_0(stream)
    except (SyntaxError, TypeError, RecursionError, MemoryError, UnicodeDecodeError) as error:
        raise ValueError(f"an array's header cannot be read ({type(error).__name__})") from error
    if dtype.str not in _TYPES or len(shape) > _MOST_DIMENSIONS or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError(f"an array is {dtype.str} of shape {shape}, which no model has")
    count, rest = math.prod(shape), len(member) - stream.tell()
    if count * dtype.itemsize != rest:
        raise ValueError(f"an array of shape {shape} has {rest} bytes and needs {count * dtype.itemsize}")
    flat = np.frombuffer(member, dtype, count, stream.tell())
    return flat.reshape(shape, order="F" if by_column else "C").copy(order="K")
