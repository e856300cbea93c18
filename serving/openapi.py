"""The OpenAPI document: what FastAPI makes of the routes, and what is true of every answer of this service.

`python -m serving.openapi docs/openapi.json` writes it down, as `make openapi` does.
"""

import json
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import SecretStr

from serving.problems import DETAILS, MEDIA_TYPE

PROBLEM = "#/components/schemas/ProblemOut"
WHEN = {
    "400": "The body is not JSON, or the path is no UTF-8.",
    "401": "No key was sent, or one that was never made or is revoked.",
    "403": "The key lacks the scope this needs.",
    "404": "There is no such thing.",
    "405": "The path does not take this method.",
    "413": "The body is larger than 1 MB.",
    "422": "A field is wrong: `errors` says which, and why.",
    "429": "The key is over its rate.",
    "500": "A fault of the service; its log has the cause under the X-Request-ID.",
    "503": "The service cannot answer now: nothing is published, no database, or too much at once.",
}
SLUGS = {"400": "not-json", "401": "no-access", "403": "no-scope", "404": "unknown-item", "405": "method-not-allowed",
         "413": "content-too-large", "422": "invalid", "429": "too-many-requests", "500": "internal",
         "503": "database-away"}  # fmt: skip
SHOWN = {
    **{str(status): said for status, said in DETAILS.items()},
    "422": "top_k: Input should be less than or equal to 100, got 101",
}
_REQUEST_ID = {"description": "Names this request in the service's log.", "schema": {"type": "string"}}
_RETRY_AFTER = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
_ALLOW = {"description": "The methods it takes.", "schema": {"type": "string"}}
_CHALLENGE = {"description": 'ApiKey realm="nextpick"', "schema": {"type": "string"}}
_HEADERS: dict[str, dict[str, Any]] = {
    "401": {"WWW-Authenticate": _CHALLENGE},
    "405": {"Allow": _ALLOW},
    "429": {"Retry-After": _RETRY_AFTER},
    "503": {"Retry-After": _RETRY_AFTER},
}
_ANYWHERE = ("405", "500")


def install(app: FastAPI) -> None:
    """Let `app` tell of itself by `document`."""

    def told() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = told  # type: ignore[method-assign]


def document(app: FastAPI) -> dict[str, Any]:
    """The document of `app`, problems and headers with it."""
    made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    for path, methods in made["paths"].items():
        for operation in methods.values():
            _complete(operation, open_to_all=path.startswith(("/health", "/metrics")), with_id="{" in path)
    return made


def text(app: FastAPI) -> str:
    """The document as it is kept in the repository."""
    return json.dumps(document(app), indent=1, ensure_ascii=False) + "\n"


def _complete(operation: dict[str, Any], open_to_all: bool, with_id: bool) -> None:
    responses = operation["responses"]
    for status in _ANYWHERE:
        responses.setdefault(status, {"content": {"application/json": {"schema": {"$ref": PROBLEM}}}})
    if "requestBody" not in operation and not with_id:
        responses.pop("400", None)
    for status, response in responses.items():
        content = response.get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        if status in WHEN and schema.get("$ref") in (PROBLEM, "#/components/schemas/HTTPValidationError"):
            response["content"] = {MEDIA_TYPE: {"schema": {"$ref": PROBLEM}, "example": _example(status)}}
            response["description"] = WHEN[status]
            response["headers"] = {**_HEADERS.get(status, {})}
        response.setdefault("headers", {})["X-Request-ID"] = _REQUEST_ID
    operation["responses"] = dict(sorted(responses.items()))
    if open_to_all:
        operation.pop("security", None)


def _example(status: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "type": f"urn:nextpick:problem:{SLUGS[status]}",
        "title": HTTPStatus(int(status)).phrase,
        "status": int(status),
        "detail": SHOWN.get(status, WHEN[status]),
    }
    if status == "422":
        shown["errors"] = [{"loc": ["top_k"], "msg": "Input should be less than or equal to 100, got 101"}]
    return shown


def main() -> None:
    """Write the document to the path that is given."""
    from nextpick.settings import Settings
    from serving.app import create_app

    nowhere = SecretStr("postgresql://nobody@localhost/none")  # nothing is opened before an app starts
    app = create_app(Settings(_env_file=None, database_url=nowhere))  # type: ignore[call-arg]
    Path(sys.argv[1]).write_text(text(app))


if __name__ == "__main__":
    main()
