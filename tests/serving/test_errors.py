"""Every error is a problem that says what is wrong and what to do; none is a 500."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import structlog
from fastapi import FastAPI

from serving.app import create_app
from tests.serving.conftest import running, settings_for

pytestmark = pytest.mark.anyio


@pytest.fixture
async def empty(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app on an empty database."""
    async with running(app) as client:
        yield client


def problem(response: httpx.Response, status: int) -> dict[str, object]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = response.json()
    assert body["status"] == status
    assert {"type", "title", "detail"} <= body.keys()
    return body


@pytest.mark.parametrize(
    "body", [b"{", b"", b"\xff\xfe", b'{"user_id": NaN}', b'{"user_id": "\\ud800"}', b'{"user_id": "\xed\xa0\x80"}']
)
async def test_what_is_not_json_is_a_400_or_a_422(empty: httpx.AsyncClient, body: bytes) -> None:
    response = await empty.post("/recommend", content=body, headers={"content-type": "application/json"})
    problem(response, 422 if body == b"" else 400)


async def test_json_under_another_content_type_is_refused(empty: httpx.AsyncClient) -> None:
    response = await empty.post("/recommend", content=b'{"user_id": "1"}', headers={"content-type": "text/plain"})
    assert "Content-Type: application/json" in str(problem(response, 422)["detail"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "user_id: name a user, or the session's recent_item_ids"),
        ({"user_id": ""}, "user_id: String should have at least 1 character, got ''"),
        ({"user_id": "x" * 257}, "user_id: String should have at most 256 characters, got 'xxx"),
        ({"user_id": "a\0b"}, "NUL characters cannot be stored"),
        ({"user_id": 17850}, "user_id: Input should be a valid string, got 17850"),
        ({"user_id": "1", "top_k": 0}, "top_k: Input should be greater than or equal to 1, got 0"),
        ({"user_id": "1", "top_k": 101}, "top_k: Input should be less than or equal to 100, got 101"),
        ({"user_id": "1", "top_k": "5"}, "top_k: Input should be a valid integer, got '5'"),
        ({"user_id": "1", "top_k": True}, "top_k: Input should be a valid integer, got True"),
        ({"user_id": "1", "k": 5}, "k: Extra inputs are not permitted, got 5"),
        ([], "body: Input should be a valid dictionary"),
        ("1", "body: Input should be a valid dictionary"),
    ],
)
async def test_a_wrong_field_is_named_with_its_value(empty: httpx.AsyncClient, body: object, said: str) -> None:
    detail = str(problem(await empty.post("/recommend", json=body), 422)["detail"])
    assert said in detail
    assert len(detail) < 300


async def test_a_body_over_a_megabyte_is_refused(empty: httpx.AsyncClient) -> None:
    response = await empty.post("/events", content=b"x" * 1_000_001, headers={"content-type": "application/json"})
    assert "1 MB" in str(problem(response, 413)["detail"])


async def test_a_body_that_hides_its_length_is_refused_too(empty: httpx.AsyncClient) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 100_000
            await asyncio.sleep(0)

    response = await empty.post("/events", content=parts(), headers={"content-type": "application/json"})
    problem(response, 413)


async def test_a_wrong_path_or_method_is_a_problem_too(empty: httpx.AsyncClient) -> None:
    assert str(problem(await empty.get("/nowhere"), 404)["detail"]).startswith("There is no such path.")
    response = await empty.get("/recommend")
    assert str(problem(response, 405)["detail"]).startswith("This path does not take that method;")
    assert response.headers["allow"] == "POST"
    problem(await empty.request("BREW", "/recommend"), 405)
    metrics = (await empty.get("/metrics")).text
    assert 'method="other",route="/recommend",status="405"' in metrics
    assert 'method="GET",route="unmatched",status="404"' in metrics
    assert "BREW" not in metrics, "whoever makes up methods makes up meters"


async def test_before_the_first_release_the_answer_says_to_publish(empty: httpx.AsyncClient) -> None:
    response = await empty.post("/recommend", json={"user_id": "1"})
    assert "nextpick publish" in str(problem(response, 503)["detail"])
    assert response.headers["retry-after"] == "5"
    ready = await empty.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["reasons"] == ["no release is live yet: publish one"]


async def test_a_request_id_comes_back_and_is_made_where_there_is_none(empty: httpx.AsyncClient) -> None:
    given = await empty.get("/health/live", headers={"X-Request-ID": "checkout-42"})
    assert given.headers["x-request-id"] == "checkout-42"
    made = (await empty.get("/health/live")).headers["x-request-id"]
    assert len(made) == 32
    hostile = await empty.get("/health/live", headers={"X-Request-ID": "a b" * 100})
    assert len(hostile.headers["x-request-id"]) == 32
    assert "x-request-id" in (await empty.get("/nowhere")).headers


@pytest.fixture
def logs_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process of the service alone: Airflow, whose tests may have run before, sends logs elsewhere."""
    before = structlog.get_config()
    structlog.reset_defaults()
    monkeypatch.setattr("serving.edge.log", structlog.get_logger())  # it may have kept where it went before
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("logs_of_its_own")
async def test_a_fault_of_ours_is_a_500_that_tells_nothing(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(settings_for(database_url))

    async def broken() -> None:
        password = "-".join(["not", "to", "be", "logged"])
        raise RuntimeError("postgresql://user:secret@host/db", len(password))

    app.add_api_route("/broken", broken)
    async with running(app) as client:
        response = await client.get("/broken")
        assert "secret" not in response.text
        assert "X-Request-ID" in str(problem(response, 500)["detail"])
        assert 'route="/broken",status="500"' in (await client.get("/metrics")).text
    log = capsys.readouterr().out
    assert f"request_id={response.headers['x-request-id']}" in log
    assert "RuntimeError: ('postgresql" in log, "the log must say what the answer does not"
    assert "not-to-be-logged" not in log, "a traceback shows local variables"


async def test_a_path_that_is_no_text_names_nobody(empty: httpx.AsyncClient) -> None:
    for path in ("/users/%FF", "/users/%ED%A0%80", "/items/%C3"):
        assert "no UTF-8" in str(problem(await empty.delete(path), 400)["detail"])
    assert (await empty.delete("/users/%EF%BF%BD")).status_code == 200


async def test_errors_without_end_are_told_in_part(empty: httpx.AsyncClient) -> None:
    sent = {"user_id": "u", **{f"{'x' * 100}{i}": 1 for i in range(3000)}}
    body = problem(await empty.post("/recommend", json=sent), 422)
    errors = body["errors"]
    assert isinstance(errors, list)
    assert len(errors) == 100
    assert errors[0]["loc"] == ["x" * 80]


async def test_attributes_nested_without_end_are_refused(empty: httpx.AsyncClient) -> None:
    deep: object = 1
    for _ in range(300):
        deep = [deep]
    response = await empty.put("/items", json={"item_id": "i", "attributes": {"a": deep}})
    assert "nested too deep" in str(problem(response, 422)["detail"])
