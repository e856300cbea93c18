"""The OpenAPI document in the repository is the service's, and each example in it is answered as it says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving import openapi
from serving.app import create_app
from tests.serving.conftest import settings_for

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "docs" / "openapi.json"
# The examples are of the sample, and the release here is of another world.
HERE = {"17850": "tea01", "85123A": "tea-01", "22423": "tea-02", "22699": "tea-03", "Bags": "tea"}
Example = tuple[str, str, Any]


def test_the_document_in_the_repository_is_the_services() -> None:
    found = openapi.text(create_app(settings_for("postgresql://nobody@localhost/none")))
    assert KEPT.read_text() == found, "docs/openapi.json lags: run `make openapi`, and look at what changed"


async def test_the_page_is_made_of_files_from_outside_and_the_document_is_not(client: httpx.AsyncClient) -> None:
    """docs/api.md says so: whoever has no way there reads the document."""
    page = (await client.get("/docs")).text
    loaded = re.findall(r'<(?:script src|link type="text/css" rel="stylesheet" href)="([^"]+)"', page)
    assert {httpx.URL(one).host for one in loaded} == {"cdn.jsdelivr.net"}
    assert "cdn.jsdelivr.net" in (ROOT / "docs" / "api.md").read_text()
    assert (await client.get("/openapi.json")).json() == json.loads(KEPT.read_text())


def at_home(value: Any) -> Any:
    """The same with ids that the world of the tests knows."""
    if isinstance(value, dict):
        return {key: at_home(one) for key, one in value.items()}
    if isinstance(value, list):
        return [at_home(one) for one in value]
    return HERE.get(value, value) if isinstance(value, str) else value


def bodies(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[Any]:
    """Every example of what an operation takes as its body; None once where it takes none."""
    if "requestBody" not in operation:
        yield None
        return
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    for one in schema.get("oneOf", schema.get("anyOf", [schema])):
        yield from document["components"]["schemas"][one["$ref"].split("/")[-1]].get("examples", [])


def examples(document: dict[str, Any]) -> Iterator[Example]:
    """Every example of a request: method, path with its query, body."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            query, filled = {}, path
            for parameter in operation.get("parameters", []):
                (value,) = parameter.get("examples") or parameter["schema"].get("examples") or [None]
                if value is not None and parameter["in"] == "path":
                    filled = filled.replace(f"{{{parameter['name']}}}", at_home(value))
                elif value is not None:
                    query[parameter["name"]] = at_home(value)
            assert "{" not in filled, f"{method} {path} has no example of its path"
            for body in bodies(document, operation):
                yield method.upper(), str(httpx.URL(filled, params=query)), at_home(body)


async def test_every_example_in_the_repository_is_answered(client: httpx.AsyncClient) -> None:
    document = json.loads(KEPT.read_text())
    tried = sorted(examples(document), key=lambda one: one[0] == "DELETE")  # which forgets who the others ask for
    for method, path, body in tried:
        response = await client.request(method, path, json=body)
        assert response.status_code == 200, f"{method} {path} {body}: {response.text}"
    assert {(method, path.split("?")[0]) for method, path, _ in tried} >= {("POST", "/recommend"), ("GET", "/popular")}
    assert len(tried) >= sum(map(len, document["paths"].values()))


async def test_every_problem_is_documented_as_it_is_sent(client: httpx.AsyncClient) -> None:
    document = json.loads(KEPT.read_text())
    shape = document["components"]["schemas"]["ProblemOut"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                if status < "400" or path == "/health/ready":
                    continue
                problem = response["content"]["application/problem+json"]
                assert problem["schema"] == {"$ref": "#/components/schemas/ProblemOut"}, f"{method} {path} {status}"
                assert problem["example"]["status"] == int(status)
                assert set(shape["required"]) <= problem["example"].keys() <= shape["properties"].keys()
                assert ("Retry-After" in response["headers"]) == (status in ("429", "503"))
    for path, methods in document["paths"].items():
        refused = await client.request(
            "PATCH" if "patch" not in methods else "TRACE", path.replace("{", "").replace("}", "")
        )
        assert refused.status_code == 405
        assert refused.headers["allow"]
        assert refused.headers["x-request-id"]
