"""Alerts to Slack through an incoming webhook; without one they go to the log. The only module that imports slack_sdk.

Nothing here raises: an alert that cannot be sent must not fail what it reports on. What became of it is returned, for
the caller to keep where people look. The webhook's address is a secret: whoever has it can post.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.error import URLError

import structlog
from slack_sdk.webhook import WebhookClient

from nextpick.settings import Settings

SENT, NOT_CONFIGURED = "sent", "not_configured"
TIMEOUT_SECONDS = 10
# Block Kit's limits: https://docs.slack.dev/reference/block-kit/blocks
MAX_HEADER, MAX_SECTION = 150, 3000
MAX_REASONS = 8  # a phone's screen
_SIGNS = {"broken": ":red_circle:", "warn": ":warning:"}
_ADVICE = {
    "broken": "Check that events and the catalogue still reach Postgres: `nextpick status`, and the loads of today.",
    "warn": "Open the report. If the change is real and here to stay, trigger `retrain` in Airflow; if the data are "
    "wrong, mend the load.",
}
log = structlog.get_logger()
_quiet = logging.Logger("slack_sdk, whose lines hold the webhook's address", logging.CRITICAL + 1)
_quiet.addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Message:
    """What Slack shows: `blocks`, and `text` where blocks do not fit (notifications, the log)."""

    text: str
    blocks: tuple[dict[str, Any], ...] = ()


def drift_message(verdict: str, as_of: datetime, compared: str, reasons: Sequence[str], link: str) -> Message:
    """The alert of one night. `compared` says which days against which; `link` leads to the report."""
    title = f"Drift {verdict} on {as_of:%Y-%m-%d %H:%M} UTC"
    shown = [f"• {_escaped(reason)}" for reason in reasons[:MAX_REASONS]]
    if more := len(reasons) - len(shown):
        shown.append(f"… and {more} more in the report.")
    return Message(
        text=_clipped(f"{title}: {' '.join(reasons)}", MAX_SECTION),
        blocks=(
            _header(f"{_SIGNS.get(verdict, '')} {title}".strip()),
            _section("\n".join(shown)),
            _section(f"{_ADVICE.get(verdict, '')}\n<{link}|The report>".strip()),
            _context(compared),
        ),
    )


def failure_message(dag_id: str, task_id: str, error: object, log_url: str | None) -> Message:
    """The alert of a task that failed for good, with the last line of what it said."""
    last = (str(error).strip().splitlines() or ["no message"])[-1]
    title = f"{dag_id}: {task_id} failed"
    link = f"\n<{log_url}|The task's log>" if log_url else ""
    return Message(
        text=_clipped(f"{title}: {last}", MAX_SECTION),
        blocks=(_header(f":red_circle: {title}"), _section(f"{_clipped(_escaped(last), 1500)}{link}")),
    )


def alert_failure(settings: Settings, dag_id: str, task_id: str, error: object, log_url: str | None = None) -> str:
    """Tell that a task has failed for good; for a DAG's failure callback. Returns what `send` does."""
    return send(settings, failure_message(dag_id, task_id, error, log_url))


def send(settings: Settings, message: Message | str) -> str:
    """Send a message and return `sent`, `not_configured`, or `failed: ` and why. Never raises, never names the URL."""
    if isinstance(message, str):
        message = Message(_clipped(message, MAX_SECTION))
    if settings.slack_webhook_url is None:
        log.warning("alert", text=message.text, slack="NEXTPICK_SLACK_WEBHOOK_URL is not set")
        return NOT_CONFIGURED
    why = _post(settings.slack_webhook_url.get_secret_value(), message)
    if why is None:
        return SENT
    log.error("alert not sent to Slack", text=message.text, why=why)
    return f"failed: {why}"


def _post(url: str, message: Message) -> str | None:
    """None, or why Slack does not have the message."""
    if not url.startswith(("https://", "http://")):
        return "NEXTPICK_SLACK_WEBHOOK_URL is no http address"
    try:
        client = WebhookClient(url, timeout=TIMEOUT_SECONDS, logger=_quiet)
        answer = client.send(text=_escaped(message.text), blocks=message.blocks or None)
    except URLError as error:
        return f"no connection, {error.reason}"
    except Exception as error:  # noqa: BLE001 - whatever it is, the pipeline goes on
        return type(error).__name__  # its text may hold the address
    return None if answer.status_code == 200 else f"Slack answered {answer.status_code} {_clipped(answer.body, 100)}"


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": _clipped(text, MAX_HEADER), "emoji": True}}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _clipped(text, MAX_SECTION)}}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": _clipped(_escaped(text), MAX_SECTION)}]}


def _escaped(text: str) -> str:
    """Slack's three control characters: https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clipped(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
