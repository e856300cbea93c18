"""The keys in use, in memory: read every second, and kept as they were while Postgres is away."""

import hmac
from time import time

from nextpick import keys
from nextpick.keys import Key, Scope
from nextpick.settings import Settings
from nextpick.store import keys as store
from nextpick.store import sql
from serving.bucket import Bucket
from serving.database import Database, Row
from serving.metrics import Metrics
from serving.polled import Polled

POLL_SECONDS = 1.0
POLL_DEADLINE = 2.0
ENVIRONMENT = "NEXTPICK_API_KEY_SHA256"


class Keyring:
    """Knows the keys of `nextpick keys`, and beside them the one of the environment, with every scope and no limit.

    `read` is False until the keys were first read. Limits count in this process alone.
    """

    def __init__(self, database: Database, settings: Settings, metrics: Metrics) -> None:
        self.read = False
        self._metrics = metrics
        self._polled = Polled(database, sql.load("keys")["in_use"], self._follow, POLL_SECONDS, POLL_DEADLINE)
        self.run, self.poll = self._polled.run, self._polled.poll
        secret = settings.api_key_sha256
        self._environment = None if secret is None else secret.get_secret_value().strip().lower().encode()
        self._keys: dict[str, Key] = {}
        self._buckets: dict[str, Bucket] = {}

    def _follow(self, row: Row | None) -> None:
        self._keys = store.parse(row[0] if row else [])
        self.read = True
        self._buckets = {key_id: bucket for key_id, bucket in self._buckets.items() if key_id in self._keys}
        self._metrics.keys_read.set(time())

    @property
    def empty(self) -> bool:
        """Whether no key is known."""
        return self._environment is None and not self._keys

    def find(self, sent: str) -> Key | None:
        """The key that a caller sent, or None where it is none of ours, as far as is known."""
        if self._environment is not None and hmac.compare_digest(keys.digest(sent).hex().encode(), self._environment):
            return _OF_ENVIRONMENT
        return keys.find(sent, self._keys)

    def spend(self, key: Key) -> float:
        """Count one request of `key`: 0 where it may be made, else the seconds until the next may."""
        if key.per_second is None:
            return 0.0
        bucket = self._buckets.get(key.key_id)
        if bucket is None or bucket.per_second != key.per_second:
            bucket = self._buckets[key.key_id] = Bucket(key.per_second)
        return bucket.take()


_OF_ENVIRONMENT = Key("", ENVIRONMENT, b"", frozenset({Scope.ADMIN}), None)
