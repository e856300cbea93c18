"""Who may call: the holder of the key, and callers on this machine where the settings open the API to them."""

import hashlib
import hmac
from ipaddress import IPv6Address, ip_address

from fastapi import Request

from nextpick.settings import Settings
from serving.problems import Problem

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})


async def require_access(request: Request) -> None:
    """Let the request through, or raise a 401 problem that says what is missing."""
    settings: Settings = request.app.state.service.settings
    key = request.headers.get("x-api-key")
    if key is not None and settings.api_key_sha256 is not None:
        if _is_key(key, settings.api_key_sha256.get_secret_value()):
            return
        raise _refused("The X-API-Key sent is not the key of this service.")
    if settings.api_open_to_loopback and _from_this_machine(request):
        return
    if settings.api_key_sha256 is None:
        raise _refused(
            "This service has no key set and is not open to callers like this one. Set NEXTPICK_API_KEY_SHA256 to the "
            "hex SHA-256 of a key and send that key as X-API-Key."
        )
    raise _refused("Send the key of this service as X-API-Key.")


def _refused(detail: str) -> Problem:
    return Problem(401, "no-access", detail, headers={"WWW-Authenticate": 'ApiKey realm="nextpick"'})


def _is_key(key: str, expected: str) -> bool:
    """Compare in constant time; header bytes reach us as latin-1 text."""
    return hmac.compare_digest(hashlib.sha256(key.encode("latin-1", "replace")).hexdigest(), expected.strip().lower())


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
