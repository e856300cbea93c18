"""Every error leaves as RFC 9457 `application/problem+json`: what is wrong, with the value, and what to do."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from serving.database import NoRoom

MEDIA_TYPE = "application/problem+json"
MOST_FAULTS = 100  # of a body are told
SHOWN = 80  # characters of a refused value that are shown back
DETAILS = {
    404: "There is no such path. /docs lists the paths of this API.",
    405: "This path does not take that method; the Allow header names those it takes.",
    413: "The body is larger than 1 MB. Send events in batches of at most 1000.",
}


class Problem(Exception):
    """An error with its whole answer; `slug` names the kind of problem for machines."""

    def __init__(
        self,
        status: int,
        slug: str,
        detail: str,
        *,
        headers: dict[str, str] | None = None,
        errors: Sequence[dict[str, Any]] = (),
    ) -> None:
        super().__init__(detail)
        self.status, self.slug, self.detail = status, slug, detail
        self.headers, self.errors = headers or {}, list(errors)


def response(problem: Problem) -> Response:
    """The problem as HTTP."""
    body: dict[str, Any] = {
        "type": f"urn:nextpick:problem:{problem.slug}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors:
        body["errors"] = problem.errors
    return Response(orjson.dumps(body), problem.status, problem.headers, MEDIA_TYPE)


def unexpected() -> Problem:
    """The answer to a fault of ours: it never carries the exception's text, which may hold anything."""
    return Problem(
        500,
        "internal",
        "The service failed on this request. The log has the cause under the X-Request-ID of this answer.",
    )


def away(what: str, error: Exception | None = None) -> Problem:
    """A 503 while the database does not answer, or where it has no room."""
    if isinstance(error, NoRoom):
        detail = f"The database has no room left. Free some of its disk. {what}"
        return Problem(503, "database-full", detail, headers={"Retry-After": "30"})
    return Problem(503, "database-away", f"The database does not answer. {what}", headers={"Retry-After": "1"})


def invalid(errors: Sequence[dict[str, Any]]) -> Problem:
    """A 422 for a body whose fields are wrong; each error is {"loc": path in the body, "msg": what is wrong}."""
    first = errors[0]
    where = ".".join(map(str, first["loc"])) or "body"
    more = f" ({len(errors) - 1} more under errors)" if len(errors) > 1 else ""
    return Problem(422, "invalid", f"{where}: {first['msg']}{more}", errors=errors)


def install(app: FastAPI) -> None:
    """Turn every error of `app` into a problem."""

    @app.exception_handler(Problem)
    async def of_ours(_: Request, problem: Problem) -> Response:
        return response(problem)

    @app.exception_handler(RequestValidationError)
    async def of_validation(_: Request, error: RequestValidationError) -> Response:
        return response(_validation(error))

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_methods(app, request))
        detail = DETAILS.get(error.status_code, str(error.detail))
        slug = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        return response(Problem(error.status_code, slug, detail, headers=headers))


def _methods(app: FastAPI, request: Request) -> list[str]:
    """All that a path takes: Starlette names those of the first route that has it."""
    found = (
        route for route in app.routes if isinstance(route, Route) and route.matches(request.scope)[0] != Match.NONE
    )
    return sorted({method for route in found for method in route.methods or ()})


def _validation(error: RequestValidationError) -> Problem:
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        reason = faults[0].get("ctx", {}).get("error", "")
        return Problem(400, "not-json", f"The body is not JSON: {reason}."[:300])
    if any(isinstance(fault.get("input"), bytes) for fault in faults):
        return Problem(422, "not-json", "The body was not read as JSON. Send it with Content-Type: application/json.")
    return invalid([{"loc": _place(fault), "msg": _message(fault)} for fault in faults[:MOST_FAULTS]])


def _place(fault: dict[str, Any]) -> list[str | int]:
    """Where in the body; the names of a union's members, which start with a tilde, are ours and not the client's."""
    parts = [part for part in fault["loc"][1:] if not str(part).startswith("~")]
    return [part[:SHOWN] if isinstance(part, str) else part for part in parts]


def _message(fault: dict[str, Any]) -> str:
    """Pydantic's message with the value, cut short; a missing field has none, and the whole object would be shown."""
    message = str(fault["msg"]).removeprefix("Value error, ")
    value = fault.get("input")
    if fault["type"] in ("missing", "union_tag_not_found") or isinstance(value, dict | list):
        return message
    shown = repr(value)
    return f"{message}, got {shown if len(shown) <= SHOWN else shown[:SHOWN] + '...'}"
