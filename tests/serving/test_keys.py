"""Keys with scopes and rates, taken back, and kept in memory while Postgres is away."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from time import monotonic

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from nextpick import keys
from nextpick.local import ports
from nextpick.store import keys as store
from serving.app import create_app
from tests.serving.conftest import running, settings_for
from tests.serving.test_outage import behind_gate
from tests.serving.test_process import served, wait_for

pytestmark = pytest.mark.anyio
EVENT = {"user_id": "u", "item_id": "i", "kind": "purchase"}
GUARDED = (
    ("POST", "/recommend", "serve"),
    ("POST", "/rank", "serve"),
    ("POST", "/events", "events"),
    ("GET", "/popular", "serve"),
    ("GET", "/items/tea-00", "serve"),
    ("GET", "/items/tea-00/similar", "serve"),
    ("PUT", "/items", "admin"),
    ("GET", "/releases/current", "serve"),
    ("GET", "/users/tea03", "admin"),
    ("DELETE", "/users/tea03", "admin"),
)
Add = Callable[..., dict[str, str]]


@pytest.fixture
def add(conn: psycopg.Connection) -> Add:
    """Makes a key, and gives the headers that carry it."""

    def add(name: str, *scopes: str, per_second: float | None = None) -> dict[str, str]:
        key, text = keys.make(name, scopes, per_second)
        store.add(conn, key, made_by="anna")
        conn.commit()
        return {"X-API-Key": text}

    return add


@pytest.fixture
async def closed(database_url: str, add: Add) -> AsyncIterator[httpx.AsyncClient]:
    """A client, from elsewhere, of a service that is open to nobody without a key; there is one key."""
    add("first", "serve")
    async with running(create_app(settings_for(database_url, api_open_to_loopback=False)), "203.0.113.9") as client:
        yield client


async def until(status: int, ask: Callable[[], Awaitable[httpx.Response]], seconds: float = 10) -> httpx.Response:
    end = monotonic() + seconds
    while (response := await ask()).status_code != status:
        assert monotonic() < end, f"{response.status_code} and not {status} after {seconds} s: {response.text}"
        await asyncio.sleep(0.05)
    return response


@pytest.mark.parametrize("scope", ["serve", "events", "admin"])
async def test_a_key_opens_what_its_scope_is_for_and_nothing_else(database_url: str, add: Add, scope: str) -> None:
    headers = add("shop", scope)
    async with running(create_app(settings_for(database_url, api_open_to_loopback=False)), "203.0.113.9") as client:
        document = (await client.get("/openapi.json")).json()["paths"]
        assert sum("security" in operation for path in document.values() for operation in path.values()) == len(GUARDED)
        for method, path, needed in GUARDED:
            response = await client.request(method, path, headers=headers)
            assert (response.status_code == 403) == (scope not in (needed, "admin")), f"{method} {path}"
            assert response.status_code != 401, f"{method} {path}"
            assert (await client.request(method, path)).status_code == 401, f"{method} {path} without a key"


def test_the_documentation_says_which_scope_opens_what() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text()
    rows = re.findall(r"^\| `(serve|events|admin)` \| (.*) \|$", text, re.MULTILINE)
    told = {(method, path, scope) for scope, cell in rows for method, path in re.findall(r"`([A-Z]+) (/\S+)`", cell)}
    names = {"/items/tea-00": "/items/{item_id}", "/users/tea03": "/users/{user_id}"}
    names["/items/tea-00/similar"] = "/items/{item_id}/similar"
    assert told == {(method, names.get(path, path), scope) for method, path, scope in GUARDED}


async def test_a_missing_scope_is_named_with_the_remedy_and_counted_by_the_keys_name(
    closed: httpx.AsyncClient, add: Add
) -> None:
    headers = add("shop", "serve")
    response = await until(403, lambda: closed.post("/events", json=EVENT, headers=headers))
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "urn:nextpick:problem:no-scope",
        "title": "Forbidden",
        "status": 403,
        "detail": "This needs a key with the scope events. The key shop has serve. `nextpick keys add NAME --scope "
        "events` makes one.",
    }
    assert await counted(closed) == {("shop", "scope"): 1}


async def test_a_key_made_or_revoked_while_the_service_runs_counts_within_seconds(
    closed: httpx.AsyncClient, add: Add, conn: psycopg.Connection
) -> None:
    headers = add("late", "events")
    await until(200, lambda: closed.post("/events", json=EVENT, headers=headers), 5)
    store.revoke(conn, "late")
    conn.commit()
    response = await until(401, lambda: closed.post("/events", json=EVENT, headers=headers), 5)
    assert "was revoked. `nextpick keys` lists them." in response.json()["detail"]


async def test_over_its_rate_a_key_is_told_when_to_come_back_and_others_are_not_slowed(
    closed: httpx.AsyncClient, add: Add
) -> None:
    slow, other = add("slow", "events", per_second=0.1), add("other", "events", per_second=100)
    await until(200, lambda: closed.post("/events", json=EVENT, headers=other))
    await closed.post("/events", json=EVENT, headers=slow)
    response = await closed.post("/events", json=EVENT, headers=slow)
    assert response.status_code == 429
    assert 1 <= int(response.headers["retry-after"]) <= 10
    assert response.json()["type"] == "urn:nextpick:problem:too-many-requests"
    assert response.json()["detail"].startswith("The key slow may make 0.1 requests a second.")
    assert (await closed.post("/events", json=EVENT, headers=other)).status_code == 200
    assert await counted(closed) == {("slow", "rate"): 1}


async def test_a_rate_is_no_way_around_by_reading_the_keys_again(database_url: str, add: Add) -> None:
    headers = add("slow", "events", per_second=0.1)
    app = create_app(settings_for(database_url, api_open_to_loopback=False))
    async with running(app) as client:
        assert (await client.post("/events", json=EVENT, headers=headers)).status_code == 200
        await app.state.service.keyring.poll()
        assert (await client.post("/events", json=EVENT, headers=headers)).status_code == 429


@pytest.mark.parametrize("sent", [b"", b"\xff\xfe", b"np_", b"A" * 60_000, "ключ".encode(), b"np_0\x00", b"'; --"])
async def test_a_hostile_key_is_refused_and_not_shown_back(closed: httpx.AsyncClient, sent: bytes) -> None:
    response = await closed.post("/events", json=EVENT, headers={b"X-API-Key": sent})
    assert response.status_code == 401
    assert response.json()["detail"].startswith("The X-API-Key sent is not a key of this service")


async def test_a_key_is_looked_at_on_this_machine_too_once_there_is_one(database_url: str, add: Add) -> None:
    app = create_app(settings_for(database_url, api_open_to_loopback=True))
    async with running(app) as client:
        wrong = {"X-API-Key": "wrong"}
        assert (await client.post("/events", json=EVENT, headers=wrong)).status_code == 200
        headers = add("shop", "serve")
        await app.state.service.keyring.poll()
        assert (await client.post("/events", json=EVENT, headers=wrong)).status_code == 401
        assert (await client.post("/events", json=EVENT, headers=headers)).status_code == 403
        assert (await client.post("/events", json=EVENT)).status_code == 200


async def test_before_the_keys_were_read_one_that_may_be_good_is_not_called_wrong(database_url: str) -> None:
    digest = hashlib.sha256(b"the old key").hexdigest()
    nowhere = f"postgresql://someone:secret@127.0.0.1:{ports.free()}/nextpick"
    app = create_app(settings_for(nowhere, api_open_to_loopback=False, api_key_sha256=digest))
    _, text = keys.make("shop", {"serve"}, None)
    async with running(app, "203.0.113.9") as client:

        async def ask(key: str) -> httpx.Response:
            return await client.get("/popular", headers={"X-API-Key": key})

        response = await ask(text)
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert response.json()["type"] == "urn:nextpick:problem:keys-not-read"
        assert (await ask("wrong")).status_code == 401
        assert (await ask("the old key")).json()["type"] == "urn:nextpick:problem:no-release"


@pytest.mark.parametrize("how", ["shut", "freeze"])
async def test_while_postgres_is_away_known_keys_go_on_and_a_revoked_one_ends_soon_after(
    database_url: str, release_id: int, add: Add, conn: psycopg.Connection, how: str
) -> None:
    good, revoked = add("good", "serve"), add("revoked", "serve")
    async with behind_gate(database_url) as (client, gate):

        async def ask(headers: dict[str, str]) -> httpx.Response:
            return await client.post("/recommend", json={"user_id": "tea03"}, headers=headers)

        getattr(gate, how)()
        store.revoke(conn, "revoked")
        conn.commit()
        await asyncio.sleep(1.5)  # past the next reading
        assert [(await ask(headers)).status_code for headers in (good, revoked)] == [200, 200]
        assert (await ask({"X-API-Key": "wrong"})).status_code == 401
        gate.heal()
        await until(401, lambda: ask(revoked))
        assert (await ask(good)).status_code == 200


async def test_a_schema_without_keys_leaves_the_environments_key(database_url: str, conn: psycopg.Connection) -> None:
    conn.execute("DROP TABLE nextpick.api_keys")
    conn.commit()
    digest = hashlib.sha256(b"the old key").hexdigest()
    app = create_app(settings_for(database_url, api_open_to_loopback=False, api_key_sha256=digest))
    async with running(app) as client:
        assert (await client.post("/events", json=EVENT, headers={"X-API-Key": "the old key"})).status_code == 200


def test_no_key_is_in_the_log_whatever_becomes_of_the_request(
    database_url: str, add: Add, conn: psycopg.Connection, tmp_path: Path
) -> None:
    good, limited, revoked = add("good", "events"), add("limited", "serve", per_second=0.1), add("revoked", "serve")
    store.revoke(conn, "revoked")
    conn.commit()
    with served(database_url, tmp_path) as (address, _):
        wait_for(f"{address}/metrics", 200, 30)

        def post(path: str, headers: dict[str, str]) -> int:
            return httpx.post(f"{address}{path}", json=EVENT, headers=headers).status_code

        end = monotonic() + 30
        while (status := post("/events", good)) == 503:
            assert monotonic() < end
        assert status == 200
        assert post("/events", revoked) == 401
        assert [post("/recommend", limited) for _ in range(2)] == [422, 429]
        assert post("/recommend", good) == 403
        conn.execute("ALTER TABLE nextpick.event_ids RENAME event_id TO elsewhere")
        conn.commit()
        assert post("/events", good) == 500
        shown = httpx.get(f"{address}/metrics").text
    log = (tmp_path / "api.log").read_text()
    assert "Traceback" in log
    for headers in (good, limited, revoked):
        text = headers["X-API-Key"]
        for form in (text, text[-43:], hashlib.sha256(text.encode()).hexdigest()):
            assert form not in log + shown


async def counted(client: httpx.AsyncClient) -> dict[tuple[str, str], float]:
    """Refusals by key and reason."""
    shown = (await client.get("/metrics")).text
    return {
        (sample.labels["key"], sample.labels["reason"]): sample.value
        for family in text_string_to_metric_families(shown)
        for sample in family.samples
        if sample.name == "nextpick_key_refusals_total"
    }
