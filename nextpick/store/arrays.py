"""One-dimensional Postgres arrays as numpy arrays, in the binary format, both ways.

psycopg hands an `integer[]` out as a list of Python ints, one object an element; a list row holds some hundreds of
them and is read on every request. Format: PostgreSQL's src/backend/utils/adt/arrayfuncs.c, array_send.
"""

import struct
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import psycopg
from psycopg.adapt import Loader
from psycopg.pq import Format

_HEADER = struct.Struct("!iiI")  # dimensions, has nulls, element oid
_DIMENSION = struct.Struct("!ii")  # length, lower bound


@dataclass(frozen=True)
class Element:
    """A fixed-width element type: its name and oid in Postgres, its type in numpy, and its wire layout."""

    name: str
    oid: int
    dtype: np.dtype

    @cached_property
    def wire(self) -> np.dtype:
        """One element as it travels: its length in bytes, then its value, both big-endian."""
        return np.dtype([("length", ">i4"), ("value", self.dtype.newbyteorder(">"))])


INT2 = Element("int2", 21, np.dtype(np.int16))
INT4 = Element("int4", 23, np.dtype(np.int32))
INT8 = Element("int8", 20, np.dtype(np.int64))
FLOAT4 = Element("float4", 700, np.dtype(np.float32))
ELEMENTS = (INT2, INT4, INT8, FLOAT4)
_BY_OID = {element.oid: element for element in ELEMENTS}


def encode(values: np.ndarray, element: Element) -> np.ndarray:
    """The elements alone, shape (n,), as they travel: uint8, `element.wire.itemsize` of them each."""
    out = np.empty(len(values), element.wire)
    out["length"] = element.dtype.itemsize
    out["value"] = values
    return out.view(np.uint8)


def header(length: int, element: Element) -> bytes:
    """What comes before `length` encoded elements of a one-dimensional array; an empty array has no dimension."""
    if length == 0:
        return _HEADER.pack(0, 0, element.oid)
    return _HEADER.pack(1, 0, element.oid) + _DIMENSION.pack(length, 1)


def dump(values: np.ndarray, element: Element) -> bytes:
    """A whole one-dimensional array in the binary format."""
    return header(len(values), element) + encode(values, element).tobytes()


def load(data: bytes | bytearray | memoryview) -> np.ndarray:
    """A binary one-dimensional array, native byte order, its own memory.

    Raises: ValueError where the array has nulls, more than one dimension, or an element type not in ELEMENTS.
    """
    dimensions, nulls, oid = _HEADER.unpack_from(data)
    element = _BY_OID.get(oid)
    if element is None or nulls or dimensions > 1:
        raise ValueError(
            f"Not a flat array without nulls: {dimensions} dimensions, nulls {bool(nulls)}, element oid {oid}."
        )
    if dimensions == 0:
        return np.empty(0, element.dtype)
    length, _ = _DIMENSION.unpack_from(data, _HEADER.size)
    wire = np.frombuffer(data, element.wire, count=length, offset=_HEADER.size + _DIMENSION.size)
    return wire["value"].astype(element.dtype)


class _ArrayLoader(Loader):
    format = Format.BINARY

    def load(self, data: bytes | bytearray | memoryview) -> np.ndarray:
        return load(data)


def register(conn: psycopg.Connection | psycopg.AsyncConnection) -> None:
    """Make binary results of `conn` hand out int2[], int4[], int8[] and float4[] columns as numpy arrays."""
    for element in ELEMENTS:
        info = conn.adapters.types[element.name]
        conn.adapters.register_loader(info.array_oid, _ArrayLoader)
