"""Who may call."""

import hashlib

import httpx
import pytest

from serving.app import create_app
from tests.serving.conftest import running, settings_for

pytestmark = pytest.mark.anyio
KEY = "correct horse battery staple"
DIGEST = hashlib.sha256(KEY.encode()).hexdigest()
EVENT = {"user_id": "u", "item_id": "i", "kind": "purchase"}


async def post(
    database_url: str, headers: dict[str, str | bytes] | None = None, peer: str = "127.0.0.1", **settings: object
) -> httpx.Response:
    app = create_app(settings_for(database_url, **settings))
    async with running(app, peer) as client:
        return await client.post("/events", json=EVENT, headers=headers or {})


async def test_without_a_key_set_and_closed_even_this_machine_is_refused(database_url: str) -> None:
    response = await post(database_url, api_open_to_loopback=False)
    assert response.status_code == 401
    assert response.json()["detail"] == "Send a key as X-API-Key. `nextpick keys add` makes one. None was made yet."
    assert response.headers["www-authenticate"].startswith("ApiKey")


async def test_when_closed_this_machine_needs_the_key_too(database_url: str) -> None:
    response = await post(database_url, api_open_to_loopback=False, api_key_sha256=DIGEST)
    assert (response.status_code, response.json()["detail"]) == (
        401,
        "Send a key as X-API-Key. `nextpick keys add` makes one.",
    )


async def test_the_key_opens_from_anywhere(database_url: str) -> None:
    response = await post(
        database_url, {"x-api-key": KEY}, "203.0.113.9", api_open_to_loopback=False, api_key_sha256=DIGEST
    )
    assert response.status_code == 200


@pytest.mark.parametrize("key", [b"wrong", b"", DIGEST.encode(), "ключ".encode()])
async def test_a_wrong_key_is_refused_even_from_an_open_loopback(database_url: str, key: bytes) -> None:
    response = await post(database_url, {"x-api-key": key}, api_key_sha256=DIGEST)
    assert response.status_code == 401
    assert response.json()["detail"].startswith("The X-API-Key sent is not a key of this service, or was revoked.")


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
async def test_an_open_loopback_needs_no_key(database_url: str, peer: str) -> None:
    assert (await post(database_url, peer=peer)).status_code == 200


@pytest.mark.parametrize("peer", ["203.0.113.9", "10.0.0.1", "::ffff:10.0.0.1", "unix"])
async def test_an_open_loopback_opens_to_nobody_else(database_url: str, peer: str) -> None:
    assert (await post(database_url, peer=peer)).status_code == 401


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"])
async def test_a_header_cannot_claim_to_be_this_machine(database_url: str, header: str) -> None:
    assert (await post(database_url, {header: "127.0.0.1"}, "203.0.113.9")).status_code == 401


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via"])
async def test_what_a_proxy_on_this_machine_hands_on_is_not_from_this_machine(database_url: str, header: str) -> None:
    assert (await post(database_url, {header: "203.0.113.9"})).status_code == 401


async def test_a_browser_led_here_by_a_foreign_name_is_refused(database_url: str) -> None:
    assert (await post(database_url, {"Host": "rebound.example:8080"})).status_code == 401
    for name in ("localhost:8080", "LOCALHOST", "127.0.0.1", "[::1]:8080", "[::1]"):
        assert (await post(database_url, {"Host": name})).status_code == 200, name


@pytest.mark.parametrize("path", ["/health/live", "/metrics"])
async def test_probes_need_no_key(database_url: str, path: str) -> None:
    app = create_app(settings_for(database_url, api_open_to_loopback=False))
    async with running(app, "203.0.113.9") as client:
        assert (await client.get(path)).status_code == 200
