"""How request bodies are read: strict JSON, so that what cannot be stored as UTF-8 is refused at the door."""

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute


class StrictRequest(Request):
    """Refuses what Python's json lets through: NaN, Infinity, and lone surrogates, which no UTF-8 text can hold."""

    async def json(self) -> Any:
        """The body. Raises: json.JSONDecodeError, which FastAPI turns into a validation error."""
        return orjson.loads(await self.body())


class StrictRoute(APIRoute):
    """A route whose body is read by StrictRequest."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return strict
