"""How request bodies are read: strict JSON, so that what cannot be stored as UTF-8 is refused at the door; and by a
shorter way than FastAPI's where a route asks for no more than a body."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Self, get_type_hints

import orjson
from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_JSON = (b"content-type", b"application/json")


class StrictRequest(Request):
    """Refuses what Python's json lets through: NaN, Infinity, and lone surrogates, which no UTF-8 text can hold."""

    async def json(self) -> Any:
        """The body. Raises: json.JSONDecodeError, which FastAPI turns into a validation error."""
        return orjson.loads(await self.body())


class StrictRoute(APIRoute):
    """A route whose body is read by StrictRequest.

    FastAPI's own way through a route costs as much as reading a list from Postgres. A route that needs no more than a
    JSON body and what is known of the request is answered without it; whatever is out of the ordinary, as a body that
    is no JSON, goes FastAPI's way from the start, so that errors are FastAPI's to the letter.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if (plain := Plain.of(self)) is not None:
            self.app = _short(plain, self.app)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return strict


@dataclass(frozen=True)
class Plain:
    """What a route asks for that takes one JSON body and else at most dependencies that look at the request alone."""

    endpoint: Callable[..., Awaitable[Response]]
    name: str
    validate: Callable[..., tuple[Any, list[dict[str, Any]]]]
    dependencies: tuple[tuple[str | None, Callable[[Request], Awaitable[Any]]], ...]

    @classmethod
    def of(cls, route: APIRoute) -> Self | None:
        """None for a route of another kind."""
        needs, returned = route.dependant, get_type_hints(route.endpoint).get("return")
        alone = not _looks_further(needs) and needs.request_param_name is None and len(needs.body_params) == 1
        of_request = all(
            not _looks_further(one) and not one.body_params and not one.dependencies and one.request_param_name
            for one in needs.dependencies
        )
        if not alone or not of_request or returned is not Response or route.status_code or route._embed_body_fields:
            return None
        body = needs.body_params[0]
        called = tuple((one.name, one.call) for one in needs.dependencies)
        return cls(route.endpoint, body.name, body.validate, called)  # type: ignore[arg-type]

    async def answer(self, request: Request, value: Any) -> Response:
        """As FastAPI does: whoever may not come in learns nothing of the body. Raises: RequestValidationError."""
        given = {name: await ask(request) for name, ask in self.dependencies}
        given.pop(None, None)
        body, errors = self.validate(value, {}, loc=("body",))
        if errors:
            raise RequestValidationError(errors, body=value)
        return await self.endpoint(**{self.name: body}, **given)  # type: ignore[arg-type]


def _looks_further(needs: Dependant) -> bool:
    """Whether more than the request and the body is looked at, or the answer is changed."""
    return bool(
        needs.path_params
        or needs.query_params
        or needs.header_params
        or needs.cookie_params
        or needs.response_param_name
        or needs.background_tasks_param_name
        or needs.http_connection_param_name
        or needs.websocket_param_name
        or needs.security_scopes_param_name
    )


def _short(plain: Plain, long: ASGIApp) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole(receive)
        value = None
        if body and _JSON in scope["headers"]:
            try:
                value = orjson.loads(body)
            except orjson.JSONDecodeError:
                value = None
        if value is None:
            await long(scope, _again(body, receive), send)
            return
        response = await plain.answer(Request(scope, receive), value)
        await response(scope, receive, send)

    return app


async def _whole(receive: Receive) -> bytes:
    """The body. Raises: HTTPException 400, which nobody sees, where the client left before its end."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HTTPException(400, "The client left before the end of the body.")
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """`receive` with a body that was read from it put back."""
    given = False

    async def receiving() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receiving
