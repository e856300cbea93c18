"""Who may call: holders of a key with the scope for it, and callers on this machine where the settings open the API to
them."""

from ipaddress import IPv6Address, ip_address
from math import ceil

from fastapi import Request
from fastapi.security import APIKeyHeader

from nextpick.keys import Key, Scope, key_id_of
from nextpick.settings import Settings
from serving.keyring import Keyring
from serving.metrics import Metrics
from serving.problems import Problem

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Requires(APIKeyHeader):
    """A dependency that lets a request through where its key has `scope`. It is FastAPI's own kind of such, so that the
    OpenAPI document tells of the header."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(name="X-API-Key", scheme_name="key", description="A key that `nextpick keys add` made.")
        self.scope = scope

    async def __call__(self, request: Request) -> None:
        """Let the request through, or raise a problem: 401, 403, 429, or 503 before the keys were first read."""
        service = request.app.state.service
        settings: Settings = service.settings
        keyring: Keyring = service.keyring
        sent = request.headers.get("x-api-key")
        if settings.api_open_to_loopback and (sent is None or keyring.empty) and _from_this_machine(request):
            return
        if sent is None:
            none = " None was made yet." if keyring.read and keyring.empty else ""
            raise _refused(f"Send a key as X-API-Key. `nextpick keys add` makes one.{none}")
        self._judge(_known(sent, keyring), keyring, service.metrics)

    def _judge(self, key: Key, keyring: Keyring, metrics: Metrics) -> None:
        if not key.opens(self.scope):
            metrics.key_refusals.labels(key.name, "scope").inc()
            raise Problem(
                403,
                "no-scope",
                f"This needs a key with the scope {self.scope}. The key {key.name} has {', '.join(sorted(key.scopes))}."
                f" `nextpick keys add NAME --scope {self.scope}` makes one.",
            )
        if wait := keyring.spend(key):
            metrics.key_refusals.labels(key.name, "rate").inc()
            seconds = max(1, ceil(wait))
            raise Problem(
                429,
                "too-many-requests",
                f"The key {key.name} may make {key.per_second:g} requests a second. Send this again in {seconds} s.",
                headers={"Retry-After": str(seconds)},
            )


def _known(sent: str, keyring: Keyring) -> Key:
    """The key that was sent. Raises: Problem 401 where it is none; 503 where that cannot be told yet."""
    key = keyring.find(sent)
    if key is not None:
        return key
    if not keyring.read and key_id_of(sent) is not None:
        raise Problem(
            503,
            "keys-not-read",
            "The service has just started and could not read its keys from the database yet. Send this again.",
            headers={"Retry-After": "1"},
        )
    raise _refused("The X-API-Key sent is not a key of this service, or was revoked. `nextpick keys` lists them.")


def _refused(detail: str) -> Problem:
    return Problem(401, "no-access", detail, headers={"WWW-Authenticate": 'ApiKey realm="nextpick"'})


def _from_this_machine(request: Request) -> bool:
    """Whether the caller itself is here: a proxy's request is its client's, and a browser led here by DNS has
    another name in Host."""
    if request.client is None or any(name in request.headers for name in FORWARDED):
        return False
    host = request.headers.get("host", "127.0.0.1")
    name = host if host.endswith("]") else host.rsplit(":", 1)[0] if ":" in host else host
    if name.lower() not in LOCAL_NAMES:
        return False
    return _is_loopback(request.client.host)


def _is_loopback(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
