"""The service of serving/ on one machine, open to callers on it."""

from collections.abc import Mapping
from functools import partial

from nextpick.local.ports import HOST
from nextpick.local.programs import answers, service
from nextpick.local.supervisor import Program
from nextpick.settings import Settings

NAME = "api"
GRACE = ("--timeout-graceful-shutdown", "5")  # seconds: one client that dawdles would keep it from ending for good


def url(settings: Settings) -> str:
    """Of the API."""
    return f"http://{HOST}:{settings.api_port}"


def program(settings: Settings, base: Mapping[str, str]) -> Program:
    """The service; it is ready when it answers, though no release may be live yet."""
    where = ("--host", HOST, "--port", str(settings.api_port), "--no-access-log")
    words = ("uvicorn", "serving.app:create_app", "--factory", *GRACE, *where)
    given = {**base, "NEXTPICK_API_OPEN_TO_LOOPBACK": "true"}
    return service(settings, NAME, words, given, partial(answers, f"{url(settings)}/health/live"))
