"""The API as a client of it: asks for recommendations, tells of events, and outlasts a restart."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from types import TracebackType
from typing import Any, Self

import httpx

from nextpick.errors import ApiError

PATIENCE_SECONDS = 120.0  # without an answer, before giving up
TIMEOUT_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 2.0  # between tries, where the API does not say how long to wait
LONGEST_ASKED_SECONDS = 60.0  # where it does: a minute is as long as it may keep us
AGAIN = frozenset({429, 502, 503, 504})


class Stopped(Exception):
    """We were asked to stop while the API did not answer."""


@dataclass(frozen=True)
class Reply:
    """An answer, and how long the request that got it took; `retries` is how many before it did not.

    `waited_seconds` were spent before it because the API asked for that.
    """

    body: dict[str, Any]
    seconds: float
    retries: int
    waited_seconds: float = 0.0


class ApiClient:
    """Sends each request until it is answered; safe because an event sent twice under one id counts once.

    A Retry-After is waited for, up to LONGEST_ASKED_SECONDS, and told to `say` as a sentence, as is that nobody
    answers: once for each thing that is the matter, as many requests may meet the same.
    """

    def __init__(
        self,
        url: str,
        key: str | None,
        stop: asyncio.Event,
        patience_seconds: float = PATIENCE_SECONDS,
        say: Callable[[str], None] | None = None,
    ) -> None:
        headers = {} if key is None else {"X-API-Key": key}
        self._url, self._stop, self._patience = url, stop, patience_seconds
        self._say, self._told = say or (lambda _: None), set[str | None]()
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def recommend(self, user_id: str, k: int) -> Reply:
        """POST /recommend. Raises: ApiError, Stopped."""
        return await self._post("/recommend", {"user_id": user_id, "top_k": k})

    async def add_events(self, events: list[dict[str, Any]]) -> Reply:
        """POST /events, all of them or none. Raises: ApiError, Stopped."""
        return await self._post("/events", {"events": events})

    async def _post(self, path: str, body: dict[str, Any]) -> Reply:
        retries, since, pause, waited = 0, monotonic(), 0.1, 0.0
        while True:
            begun = monotonic()
            response, trouble = await self._once(path, body)
            if response is not None and response.is_success:
                return Reply(response.json(), monotonic() - begun, retries, waited)
            asked = _asked(response)
            if self._stop.is_set():
                raise Stopped
            if monotonic() - since + asked > self._patience:
                raise ApiError(
                    f"Gave up on the API at {self._url} after {self._patience:g} s: {trouble}. "
                    "Is it running (`make run` starts it)? Run the command again to go on from here."
                )
            if asked > 0 and trouble not in self._told:
                self._told.add(trouble)
                self._say(f"The API asks to wait {asked:g} s: {trouble}")
            if response is None and None not in self._told:  # once: with many under way its words differ
                self._told.add(None)
                self._say(f"The API at {self._url}: {trouble}. It is asked again for up to {self._patience:g} s")
            retries += 1
            await _wait(self._stop, max(asked, pause))
            waited += asked
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _once(self, path: str, body: dict[str, Any]) -> tuple[httpx.Response | None, str]:
        """What came back and what was wrong with it. Raises: ApiError where sending it again cannot help."""
        try:
            response = await self._http.post(path, json=body)
        except httpx.TransportError as error:
            return None, f"it does not answer ({type(error).__name__}: {error})"
        if response.is_success:
            return response, ""
        trouble = _trouble(response)
        if response.status_code not in AGAIN:
            raise ApiError(f"The API at {self._url} refuses {path}: {trouble}")
        return response, trouble


def _asked(response: httpx.Response | None) -> float:
    """The seconds a Retry-After asks for, at most LONGEST_ASKED_SECONDS; 0 without one. RFC 9110, 10.2.3."""
    said = "" if response is None else response.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return min(float(said), LONGEST_ASKED_SECONDS)
    try:
        at = parsedate_to_datetime(said)
    except (ValueError, TypeError):
        return 0.0
    ahead = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(ahead, 0.0), LONGEST_ASKED_SECONDS)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but not past being stopped."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


def _trouble(response: httpx.Response) -> str:
    """What a problem+json says, or what came instead."""
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = response.text[:200]
    hint = " Set NEXTPICK_API_KEY." if response.status_code == httpx.codes.UNAUTHORIZED else ""
    return f"{response.status_code}, {detail}{hint}"
