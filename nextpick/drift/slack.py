"""Alerts to Slack, by a bot's token or an incoming webhook; without either they go to the log. The only module that
imports slack_sdk.

Nothing here raises: an alert that cannot be sent must not fail what it reports on. What became of it is returned, for
the caller to keep where people look. Token and webhook are secrets: whoever has one can post.
"""

import logging
from typing import Any
from urllib.error import URLError

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.webhook import WebhookClient

from nextpick.drift.messages import MAX_SECTION, Message, clipped, escaped
from nextpick.settings import Settings

SENT, NOT_CONFIGURED = "sent", "not_configured"
TIMEOUT_SECONDS = 10
LONGEST_WAIT_SECONDS = 60
log = structlog.get_logger()
_quiet = logging.Logger("slack_sdk, whose lines hold the webhook's address", logging.CRITICAL + 1)
_quiet.addHandler(logging.NullHandler())


class _Patience(RateLimitErrorRetryHandler):
    """When Slack says that too much is sent, its Retry-After is waited for, once: an alert late is better than none.
    But not longer than a task has time for."""

    def _can_retry(self, *, response: Any = None, **asked: Any) -> bool:
        waits = 0
        if response is not None:
            named = next((value for name, value in response.headers.items() if name.lower() == "retry-after"), "0")
            waits = int(named[0] if isinstance(named, list) else named)
        return waits <= LONGEST_WAIT_SECONDS and super()._can_retry(response=response, **asked)


def configured(settings: Settings) -> bool:
    """Whether alerts go to Slack at all."""
    return settings.slack_bot_token is not None or settings.slack_webhook_url is not None


def send(settings: Settings, message: Message | str) -> str:
    """Send a message and return `sent`, `not_configured`, or `failed: ` and why. Never raises, never names a secret.

    The bot's token comes first where both are set.
    """
    if isinstance(message, str):
        message = Message(clipped(message, MAX_SECTION))
    try:
        if settings.slack_bot_token is not None:
            why = _by_token(settings, message)
        elif settings.slack_webhook_url is not None:
            why = _by_webhook(settings.slack_webhook_url.get_secret_value(), message)
        else:
            log.warning("alert", text=message.text, slack="NEXTPICK_SLACK_BOT_TOKEN and _WEBHOOK_URL are not set")
            return NOT_CONFIGURED
    except URLError as error:
        why = f"no connection, {error.reason}"
    except Exception as error:  # noqa: BLE001 - whatever it is, the pipeline goes on
        why = type(error).__name__  # its text may hold the address
    if why is None:
        return SENT
    log.error("alert not sent to Slack", text=message.text, why=why)
    return f"failed: {why}"


def _by_token(settings: Settings, message: Message) -> str | None:
    """None, or why Slack does not have the message."""
    if settings.slack_channel is None or settings.slack_bot_token is None:
        return "NEXTPICK_SLACK_CHANNEL is not set"
    client = WebClient(
        settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        timeout=TIMEOUT_SECONDS,
        logger=_quiet,
        retry_handlers=[_Patience()],
    )
    try:
        client.chat_postMessage(
            channel=settings.slack_channel, text=escaped(message.text), blocks=list(message.blocks) or None
        )
    except SlackApiError as error:
        said = error.response.get("error") if isinstance(error.response.data, dict) else None
        return f"Slack answered {error.response.status_code} {clipped(str(said), 100)}"
    return None


def _by_webhook(url: str, message: Message) -> str | None:
    """None, or why Slack does not have the message."""
    if not url.startswith(("https://", "http://")):
        return "NEXTPICK_SLACK_WEBHOOK_URL is no http address"
    client = WebhookClient(url, timeout=TIMEOUT_SECONDS, logger=_quiet, retry_handlers=[_Patience()])
    answer = client.send(text=escaped(message.text), blocks=message.blocks or None)
    return None if answer.status_code == 200 else f"Slack answered {answer.status_code} {clipped(answer.body, 100)}"
