"""Cursors: where a reader of pages is, carried by the reader; signed, so that nobody makes one up."""

import hmac
import zlib
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import blake2b

import orjson

from serving.problems import invalid

MOST_GIVEN = 1000  # items over all pages
_SIGNATURE = 16  # bytes
_PACKED_FROM = 512  # bytes; less is not worth packing
LONGEST = 500_000  # characters of a cursor: a body is 1 MB at most
_UNPACKED = 4_000_000  # bytes: of 1000 ids as long as any


@dataclass(frozen=True)
class Cursor:
    """What was given so far, over all pages: the ids, best first, of an answer to the request named by `request`
    (request_digest), as of `as_of` (microseconds), from `release` at first."""

    release: int
    as_of: int
    request: str
    given: tuple[str, ...]


def request_digest(asked: bytes) -> str:
    """Names a request: all of it but how many, and where to go on."""
    return blake2b(asked, digest_size=9).hexdigest()


def write(cursor: Cursor, secret: bytes) -> str:
    """The cursor as URL-safe text."""
    plain = orjson.dumps([cursor.release, cursor.as_of, cursor.request, cursor.given])
    packed = b"z" + zlib.compress(plain, 1) if len(plain) > _PACKED_FROM else b"p" + plain
    return urlsafe_b64encode(_signed(packed, secret) + packed).rstrip(b"=").decode()


def read(text: str, secret: bytes, request: str) -> Cursor:
    """What `write` wrote. Raises: Problem 422 where it was not this service, or for another request."""
    try:
        raw = b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError:
        raw = b""
    signature, packed = raw[:_SIGNATURE], raw[_SIGNATURE:]
    if not packed or not hmac.compare_digest(signature, _signed(packed, secret)):
        raise _fault("is not a cursor that this service gave. Send the one of the last page as it was, or none")
    unpacked = zlib.decompressobj().decompress(packed[1:], _UNPACKED) if packed[:1] == b"z" else packed[1:]
    release, as_of, asked, given = orjson.loads(unpacked)
    if asked != request:
        raise _fault("belongs to another request. Only top_k may differ from that of the page before")
    return Cursor(release, as_of, asked, tuple(given))


def _signed(packed: bytes, secret: bytes) -> bytes:
    return blake2b(packed, key=secret, digest_size=_SIGNATURE).digest()


def _fault(message: str) -> Exception:
    return invalid([{"loc": ["cursor"], "msg": message}])
