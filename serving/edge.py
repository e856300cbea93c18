"""What happens around every request: its id, its time, the size of its body, and the last line against faults."""

import re
from os import urandom
from time import perf_counter
from urllib.parse import unquote_to_bytes

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import problems
from serving.metrics import Metrics

MAX_BODY = 1_000_000  # bytes
REQUEST_ID = b"x-request-id"
_SAFE_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
log = structlog.get_logger()


class Edge:
    """ASGI middleware. A client's X-Request-ID is kept where it is short and plain, else a new one is made."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(REQUEST_ID)
        request_id = given if given is not None and _SAFE_ID.fullmatch(given) else urandom(16).hex().encode()
        status = 499  # where the client leaves before there is another
        start = perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID, request_id)]
            await send(message)

        try:
            if (problem := _refusal(scope.get("raw_path") or b"", headers)) is None:
                await self.app(scope, _limited(receive, headers), sending)
            else:
                await problems.response(problem)(scope, receive, sending)
        except Exception:
            request = {"request_id": request_id.decode(), "method": scope["method"], "path": scope["path"][:200]}
            log.exception("request failed", **request)
            if status == 499:
                await problems.response(problems.unexpected())(scope, receive, sending)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self.metrics.answered(method, route, status).observe(perf_counter() - start)


def _refusal(raw_path: bytes, headers: dict[bytes, bytes]) -> problems.Problem | None:
    if b"%" in raw_path and not _is_text(unquote_to_bytes(raw_path)):
        return problems.Problem(400, "bad-path", "The path is no UTF-8. Write ids in it as percent-encoded UTF-8.")
    if _announced(headers) > MAX_BODY:
        return problems.Problem(413, "content-too-large", problems.DETAILS[413], headers={"connection": "close"})
    return None


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _announced(headers: dict[bytes, bytes]) -> int:
    length = headers.get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


def _limited(receive: Receive, headers: dict[bytes, bytes]) -> Receive:
    """`receive` that refuses to hand over more than MAX_BODY bytes, for bodies that do not announce their length."""
    if b"content-length" in headers and b"transfer-encoding" not in headers:
        return receive  # the server holds the client to what it announced, and that was looked at
    taken = 0

    async def receiving() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY:
            raise HTTPException(413)
        return message

    return receiving
