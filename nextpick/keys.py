"""API keys: their form, what is kept of them, and which one a caller sent.

A key reads `np_<key id>_<secret>`. The id finds it, and may be seen; the secret, 256 bits, is seen once, by whoever
makes the key. Kept is the SHA-256 of the whole text: with that much chance in it, a slow hash would add nothing.
"""

import hashlib
import hmac
import math
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nextpick.errors import ConfigError

_FORM = re.compile(r"np_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")  # a label of Prometheus, and a word in messages


class Scope(StrEnum):
    """What a key may be for; admin may do all of it."""

    SERVE = "serve"
    EVENTS = "events"
    ADMIN = "admin"


@dataclass(frozen=True)
class Key:
    """A key as it is kept. `per_second` is how many requests it may make, None for as many as it likes."""

    key_id: str
    name: str
    sha256: bytes = field(repr=False)
    scopes: frozenset[str]
    per_second: float | None

    def opens(self, scope: Scope) -> bool:
        """Whether the key may do what needs `scope`."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


def make(name: str, scopes: Collection[str], per_second: float | None) -> tuple[Key, str]:
    """A new key, and its text, which nothing can tell again. Raises: ConfigError."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"A key cannot be named {name!r}. Use up to 63 letters, digits, dots, dashes and underscores, a letter or "
            "digit first."
        )
    if not scopes or not set(scopes) <= set(Scope):
        raise ConfigError(f"A key cannot have the scopes {sorted(scopes)}. Name one or more of {', '.join(Scope)}.")
    if per_second is not None and not (per_second > 0 and math.isfinite(per_second)):
        raise ConfigError(f"A key cannot be held to {per_second} requests a second. Give a number above 0, or none.")
    key_id = secrets.token_hex(6)
    text = f"np_{key_id}_{secrets.token_urlsafe(32)}"
    return Key(key_id, name, digest(text), frozenset(map(str, scopes)), per_second), text


def digest(text: str) -> bytes:
    """The SHA-256 of a key as a caller sent it; header bytes reach us as latin-1 text."""
    return hashlib.sha256(text.encode("latin-1", "replace")).digest()


def key_id_of(text: str) -> str | None:
    """The id in a key's text, or None where it has not the form of a key."""
    found = _FORM.fullmatch(text)
    return found and found[1]


def find(text: str, keys: Mapping[str, Key]) -> Key | None:
    """The key, of those by id, that `text` is. Compares in constant time, whether there is a key of this id or not."""
    key = keys.get(key_id_of(text) or "")
    same = hmac.compare_digest(digest(text), bytes(32) if key is None else key.sha256)
    return key if same else None
