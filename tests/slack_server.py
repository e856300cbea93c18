"""Slack on this machine, incoming webhooks and chat.postMessage: takes what Slack takes, refuses what Slack refuses,
keeps what came.

Limits and answers as Slack documents them: https://docs.slack.dev/reference/block-kit/blocks and
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors and
https://docs.slack.dev/reference/methods/chat.postMessage
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN, CHANNEL = "xoxb-the-secret-of-the-bot", "#drift"
SECRET = "/services/T000/B000/the-secret-of-the-channel"
Block = dict[str, Any]


@dataclass
class Slack:
    """A running server: `url` to post to, `api` where its methods are, the messages it took, and the answer it gives
    instead of judging them, `busy` times only where that is not None."""

    url: str = ""
    api: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)
    answer: tuple[int, str] | None = None
    busy: int | None = None
    retry_after: int | str = 3600

    def judge(self, path: str, sent: str | None, body: bytes) -> tuple[int, str]:
        """The status and text for what was posted, which is kept where it is taken."""
        if self.answer is not None and self.busy != 0:
            self.busy = None if self.busy is None else self.busy - 1
            return self.answer
        return _called(self, sent, body) if path == "/api/chat.postMessage" else _take(self, path, body)

    def texts(self) -> str:
        """All that was written in all messages."""
        return json.dumps(self.messages, ensure_ascii=False)


@contextmanager
def slack_server() -> Iterator[Slack]:
    """A server on a free port of 127.0.0.1."""
    slack = Slack()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, text = slack.judge(self.path, self.headers["Authorization"], body)
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", str(slack.retry_after))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Tests are quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        slack.url = f"http://127.0.0.1:{server.server_port}{SECRET}"
        slack.api = f"http://127.0.0.1:{server.server_port}/api/"
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield slack
        finally:
            server.shutdown()
            thread.join()


def _called(slack: Slack, sent: str | None, body: bytes) -> tuple[int, str]:
    """Slack's methods answer 200 and say in the body what is wrong."""
    message = json.loads(body)
    if sent != f"Bearer {TOKEN}":
        return 200, '{"ok": false, "error": "invalid_auth"}'
    if message.get("channel") != CHANNEL:
        return 200, '{"ok": false, "error": "channel_not_found"}'
    status, text = _take(slack, SECRET, body)
    return 200, '{"ok": true, "ts": "1"}' if status == 200 else json.dumps({"ok": False, "error": text})


def _take(slack: Slack, path: str, body: bytes) -> tuple[int, str]:
    if path != SECRET:
        return 403, "invalid_token"
    try:
        message = json.loads(body)
    except ValueError:
        return 400, "invalid_payload"
    blocks = message.get("blocks") or []
    if not message.get("text") and not blocks:
        return 400, "no_text"
    if len(message.get("text") or "") > 40_000:
        return 400, "msg_too_long"
    if len(blocks) > 50 or not all(_is_valid(block) for block in blocks):
        return 400, "invalid_blocks"
    slack.messages.append(message)
    return 200, "ok"


def _is_valid(block: Block) -> bool:
    kind = block.get("type")
    if kind == "header":
        return set(block) <= {"type", "text", "block_id"} and _is_text(block["text"], 150, ("plain_text",))
    if kind == "section":
        return set(block) <= {"type", "text", "fields", "block_id"} and _is_section(block)
    if kind == "context":
        elements = block.get("elements", [])
        return set(block) <= {"type", "elements", "block_id"} and (
            1 <= len(elements) <= 10 and all(_is_text(element, 3000) for element in elements)
        )
    return kind == "divider" and set(block) <= {"type", "block_id"}


def _is_section(block: Block) -> bool:
    fields = block.get("fields", [])
    if "text" not in block and not fields:
        return False
    return (
        len(fields) <= 10
        and all(_is_text(one, 2000) for one in fields)
        and ("text" not in block or _is_text(block["text"], 3000))
    )


def _is_text(text: Block, longest: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> bool:
    return text.get("type") in kinds and isinstance(text.get("text"), str) and 1 <= len(text["text"]) <= longest
