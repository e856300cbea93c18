"""What Slack shows of drift, of failures and of silence. Pure: Block Kit's blocks within Block Kit's limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nextpick.drift.redacted import redacted

# Block Kit's limits: https://docs.slack.dev/reference/block-kit/blocks
MAX_HEADER, MAX_SECTION = 150, 3000
MAX_REASONS = 8  # a phone's screen
_SIGNS = {"broken": ":red_circle:", "alarm": ":large_orange_circle:", "warn": ":warning:"}
_ADVICE = {
    "broken": "Check that events and the catalogue still reach Postgres: `nextpick status`, and the loads of today.",
    "moved": "Open the report. If the change is real and here to stay, trigger `retrain` in Airflow; if the data are "
    "wrong, mend the load.",
    "harm without drift": "Answers are taken less, and nothing that is watched moved. Look at the last release "
    "(`nextpick releases`; `nextpick rollback` goes back), at the shop's pages, and at what was changed there.",
    "held_back": "What moved costs answers, and a contract is broken: mend the load first. A model learnt from broken "
    "data would be worse, so no retraining is asked for.",
    "requested": "What moved costs answers: `retrain` has been asked for, its gate decides. Look whether the data are "
    "right meanwhile.",
    "cooling_down": "What moved costs answers, and `retrain` was asked for only lately. Look at what the report shows "
    "before you trigger it again.",
}


@dataclass(frozen=True)
class Message:
    """What Slack shows: `blocks`, and `text` where blocks do not fit (notifications, the log)."""

    text: str
    blocks: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Night:
    """What an alert says of one night. `compared` says which days against which, `harm` what it costs, if anything;
    `report` and `run` are the addresses of the report and of the DAG run, `run` None where there is none."""

    verdict: str
    as_of: datetime
    reasons: Sequence[str]
    compared: str
    report: str
    run: str | None = None
    harm: str = ""
    retrain: str = ""


def drift_message(night: Night) -> Message:
    """What moved, how far, how much of it is chance, what it costs, where to look and what to do."""
    title = f"Drift {night.verdict} on {night.as_of:%Y-%m-%d %H:%M} UTC" + (f": {night.harm}" if night.harm else "")
    shown = [f"• {escaped(reason)}" for reason in night.reasons[:MAX_REASONS]]
    if more := len(night.reasons) - len(shown):
        shown.append(f"… and {more} more in the report.")
    fitting = ("requested" if night.retrain == "asking" else night.retrain, night.harm, night.verdict)
    advice = next((_ADVICE[one] for one in fitting if one in _ADVICE), _ADVICE["moved"])
    return Message(
        text=clipped(f"{title}: {' '.join(night.reasons)}", MAX_SECTION),
        blocks=(
            _header(f"{_SIGNS.get(night.verdict, '')} {title}".strip()),
            _section("\n".join(shown) or "The report says what moved."),
            _section(f"{advice}\n{_links(night)}"),
            _context(night.compared),
        ),
    )


def over_message(night: Night, over: Sequence[str]) -> Message:
    """What was told to have moved, column by column, is as it was again."""
    title = f"Drift over on {night.as_of:%Y-%m-%d %H:%M} UTC"
    more = f" and {len(over) - MAX_REASONS} more" if len(over) > MAX_REASONS else ""
    said = f"As before again: {', '.join(clipped(name, MAX_HEADER) for name in over[:MAX_REASONS])}{more}."
    return Message(
        text=clipped(f"{title}: {said}", MAX_SECTION),
        blocks=(
            _header(f":white_check_mark: {title}"),
            _section(f"{escaped(said)}\n{_links(night)}"),
            _context(night.compared),
        ),
    )


def heartbeat_message(night: Night, nights: int, alerts: int) -> Message:
    """The weekly sign of life, so that silence means health: how many nights were looked at, and what came of it."""
    title = f"Drift is watched: {nights} reports in 7 days, {alerts} alerts"
    said = f"The latest says `{night.verdict}`. This comes once a week; where it does not, nobody is watching."
    return Message(
        text=clipped(f"{title}. {said}", MAX_SECTION),
        blocks=(_header(f":heartbeat: {title}"), _section(f"{said}\n{_links(night)}"), _context(night.compared)),
    )


def failure_message(dag_id: str, task_id: str, error: object, log_url: str | None = None) -> Message:
    """The alert of a task that failed for good, with the last line of what it said."""
    lines = [line for line in str(error).splitlines() if line.strip().strip("^~ ")]
    last = redacted(lines[-1].strip() if lines else "no message")
    last = f"{type(error).__name__}: {last}" if isinstance(error, BaseException) else last
    title = f"{dag_id}: {task_id} failed"
    link = f"\n<{log_url}|The task's log>" if log_url else ""
    return Message(
        text=clipped(f"{title}: {last}", MAX_SECTION),
        blocks=(_header(f":red_circle: {title}"), _section(f"{clipped(escaped(last), 1500)}{link}")),
    )


def _links(night: Night) -> str:
    return f"<{night.report}|The report>" + (f" · <{night.run}|The run>" if night.run else "")


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": clipped(text, MAX_HEADER), "emoji": True}}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": clipped(text, MAX_SECTION)}}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": clipped(escaped(text), MAX_SECTION)}]}


def escaped(text: str) -> str:
    """Slack's three control characters: https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clipped(text: str, length: int) -> str:
    """At most `length` characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
