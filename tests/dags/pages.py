"""What tests of pages in Airflow share: whoever is signed in, and a real browser at Airflow's own app."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Thread
from time import monotonic, sleep
from typing import Any

import psycopg
from starlette.testclient import TestClient

from nextpick.local import ports
from tests.published import LAST

USERS = {"admin": "a", "viewer": "v"}
PATIENCE_SECONDS = 120.0  # a busy machine is no fault
SOON = LAST + timedelta(minutes=5)
AIRFLOWS_OWN = "both allow-scripts and allow-same-origin"  # a warning about the frame it shows plugins in
ODD = "<img src=x onerror=\"window.top.hit='yes'\">"


def happens(db: psycopg.Connection, user: str, item: str, at: datetime = SOON, kind: str = "purchase") -> None:
    """Somebody does something to an item, soon after the world of tests/published.py ends."""
    db.execute(
        "INSERT INTO nextpick.events (event_id, user_id, item_id, kind, occurred_at)"
        " VALUES (gen_random_uuid()::text, %s, %s, %s, %s)",
        (user, item, kind, at),
    )


def signed_in(airflow: Any, user: str = "viewer") -> TestClient:
    """A client that has the user's token, and follows where it is sent."""
    client = TestClient(airflow, raise_server_exceptions=False)
    token = client.post("/auth/token", json={"username": user, "password": USERS[user]}).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


@dataclass
class Seen:
    """A page of the browser, what its console was told, and the browser's context for further pages."""

    page: Any
    context: Any
    console: list[str] = field(default_factory=list)

    def faults(self) -> list[str]:
        """What is not Airflow's own."""
        return [line for line in self.console if AIRFLOWS_OWN not in line]


@contextmanager
def chromium(airflow: Any, user: str = "viewer") -> Iterator[Seen]:
    """A page of Chromium in which the user is signed in; addresses are Airflow's."""
    import uvicorn
    from playwright.sync_api import sync_playwright

    port = ports.free()
    server = uvicorn.Server(uvicorn.Config(airflow, "127.0.0.1", port, log_level="error", lifespan="off", ws="none"))
    thread = Thread(target=server.run)
    thread.start()
    try:
        end = monotonic() + PATIENCE_SECONDS
        while not server.started and monotonic() < end:
            sleep(0.05)
        address = f"http://127.0.0.1:{port}"
        token = signed_in(airflow, user).headers["Authorization"].removeprefix("Bearer ")
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            context = browser.new_context(base_url=address, viewport={"width": 1400, "height": 1000})
            context.set_default_timeout(PATIENCE_SECONDS * 1000)
            context.add_cookies([{"name": "_token", "value": token, "url": address}])
            seen = Seen(context.new_page(), context)
            seen.page.on("console", lambda message: seen.console.append(message.text))
            seen.page.on("pageerror", lambda error: seen.console.append(str(error)))
            yield seen
            browser.close()
    finally:
        server.should_exit = True
        thread.join()
