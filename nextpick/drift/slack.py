"""Alerts to Slack, by a bot's token or an incoming webhook; without either they go to the log. The only module that
imports slack_sdk.

Nothing here raises: an alert that cannot be sent must not fail what it reports on. What became of it is returned, for
the caller to keep where people look. Token and webhook are secrets: whoever has one can post.
"""

import logging
from threading import Thread
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

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
        if response is None:
            return False
        named = next((value for name, value in response.headers.items() if name.lower() == "retry-after"), "0")
        waits = str(named[0] if isinstance(named, list) else named)
        return (
            waits.isdecimal() and int(waits) <= LONGEST_WAIT_SECONDS and super()._can_retry(response=response, **asked)
        )


def configured(settings: Settings) -> bool:
    """Whether alerts go to Slack at all."""
    return settings.slack_bot_token is not None or settings.slack_webhook_url is not None


def send(settings: Settings, message: Message | str) -> str:
    """Send a message and return `sent`, `not_configured`, or `failed: ` and why. Never raises, never names a secret.

    The bot's token comes first where both are set.
    """
    if isinstance(message, str):
        message = Message(clipped(message, MAX_SECTION))
    if not configured(settings):
        log.warning("alert", text=message.text, slack="NEXTPICK_SLACK_BOT_TOKEN and _WEBHOOK_URL are not set")
        return NOT_CONFIGURED
    said: list[str | None] = []
    # a server that drips bytes is never late by a socket's clock, and what is reported on must not wait for it
    sending = Thread(target=lambda: said.append(_posted(settings, message)), daemon=True)
    sending.start()
    sending.join(LONGEST_WAIT_SECONDS + 3 * TIMEOUT_SECONDS)
    why = said[0] if said else "no answer in time"
    if why is None:
        return SENT
    why = clipped(_without_secrets(settings, why), 200)
    log.error("alert not sent to Slack", text=message.text, why=why)
    return f"failed: {why}"


def _posted(settings: Settings, message: Message) -> str | None:
    """None, or why Slack does not have the message."""
    try:
        if settings.slack_bot_token is not None:
            return _by_token(settings, message)
        if settings.slack_webhook_url is not None:
            return _by_webhook(settings.slack_webhook_url.get_secret_value(), message)
    except URLError as error:
        return f"no connection, {error.reason}"
    except Exception as error:  # noqa: BLE001 - whatever it is, the pipeline goes on
        return type(error).__name__  # its text may hold the address
    return None


def _without_secrets(settings: Settings, why: str) -> str:
    """What a server or a proxy said may repeat what it was sent."""
    secrets = [one.get_secret_value() for one in (settings.slack_bot_token, settings.slack_webhook_url) if one]
    for secret in (*secrets, *(urlsplit(one).path for one in secrets if "//" in one)):
        why = why.replace(secret, "…") if secret.strip("/") else why
    return why


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
        return f"Slack answered {error.response.status_code} {said}"
    return None


def _by_webhook(url: str, message: Message) -> str | None:
    """None, or why Slack does not have the message."""
    if not url.lower().startswith(("https://", "http://")):
        return "NEXTPICK_SLACK_WEBHOOK_URL is no http address"
    client = WebhookClient(url, timeout=TIMEOUT_SECONDS, logger=_quiet, retry_handlers=[_Patience()])
    answer = client.send(text=escaped(message.text), blocks=message.blocks or None)
    if answer.status_code == 200 and answer.body.strip() == "ok":  # a proxy's page comes with a 200, too
        return None
    return f"Slack answered {answer.status_code} {answer.body.strip()}"
