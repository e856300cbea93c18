"""An alert says what a person needs, fits Slack's limits, and never fails, or betrays, what it reports on."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from time import sleep
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nextpick.drift import messages, slack
from nextpick.drift.messages import Message, Night
from nextpick.settings import Settings
from tests.slack_server import CHANNEL, SECRET, TOKEN, Slack, slack_server

NIGHT = datetime(2025, 11, 12, 5, tzinfo=UTC)
LINK = "http://127.0.0.1:8081/plugin/nextpick-drift/nextpick/reports/12"
REASON = "price_log: psi 0.412 (alarm above 0.100, chance explains 0.003); n = 5,000 against 40,000."


@pytest.fixture(scope="module")
def server() -> Iterator[Slack]:
    with slack_server() as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(server: Slack) -> None:
    server.messages.clear()
    server.answer, server.busy, server.retry_after = None, None, 3600


def configured(url: str | None) -> Settings:
    return Settings(_env_file=None, slack_webhook_url=url)


def by_bot(server: Slack, token: str = TOKEN, channel: str | None = CHANNEL) -> Settings:
    return Settings(_env_file=None, slack_bot_token=token, slack_channel=channel, slack_api_url=server.api)


def one(reasons: list[str] | None = None, verdict: str = "warn", **more: str) -> Night:
    compared = "5 to 12 Nov 2025 against the weeks before"
    return Night(verdict, NIGHT, [REASON] if reasons is None else reasons, compared, LINK, **more)


def night(reasons: list[str] | None = None, verdict: str = "warn") -> Message:
    return messages.drift_message(one(reasons, verdict))


def test_a_drift_alert_says_what_how_far_on_how_many_rows_where_to_look_and_what_to_do(server: Slack) -> None:
    assert slack.send(configured(server.url), night()) == "sent"
    said = server.texts()
    for part in ("Drift warn on 2025-11-12 05:00 UTC", REASON, f"<{LINK}|", "trigger `retrain`", "5 to 12 Nov 2025"):
        assert part in said


def test_a_failed_task_is_told_by_the_last_line_of_its_error_with_its_log(server: Slack) -> None:
    error = ValueError("Traceback of many lines\n  File x\nThere are no events <yet>.")
    assert (
        slack.send(configured(server.url), messages.failure_message("retrain", "gate", error, "http://host/log"))
        == "sent"
    )
    said = server.texts()
    assert "retrain: gate failed" in said
    assert "There are no events &lt;yet&gt;." in said
    assert "<http://host/log|" in said
    assert "Traceback" not in said


def test_what_a_person_wrote_calls_nobody(server: Slack) -> None:
    assert slack.send(configured(server.url), "ada refused it: <!channel> tea & biscuits") == "sent"
    (message,) = server.messages
    assert message["text"] == "ada refused it: &lt;!channel&gt; tea &amp; biscuits"


def test_a_task_that_failed_without_a_word_is_told_all_the_same(server: Slack) -> None:
    assert slack.send(configured(server.url), messages.failure_message("retrain", "gate", None)) == "sent"
    assert slack.send(configured(server.url), messages.failure_message("retrain", "gate", "")) == "sent"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(min_size=1, max_size=4000), min_size=1, max_size=60), st.text(max_size=5000))
def test_no_text_is_too_long_or_too_strange_for_slack(server: Slack, reasons: list[str], error: str) -> None:
    assert slack.send(configured(server.url), night(reasons)) == "sent"
    assert slack.send(configured(server.url), messages.failure_message("d" * 300, "t", error)) == "sent"
    assert slack.send(configured(server.url), error or "x") == "sent"


def test_what_is_cut_off_is_counted(server: Slack) -> None:
    slack.send(configured(server.url), night([f"column {i}: moved." for i in range(20)]))
    assert "and 12 more in the report" in server.texts()


@pytest.mark.parametrize(
    "answer", [(404, "no_service"), (429, "rate_limited"), (500, "oh no"), (400, "invalid_blocks")]
)
def test_a_refusal_by_slack_is_returned_in_its_words(server: Slack, answer: tuple[int, str]) -> None:
    server.answer = answer
    assert slack.send(configured(server.url), night()) == f"failed: Slack answered {answer[0]} {answer[1]}"


@pytest.mark.parametrize("page", ["<html>Sign in</html>", "", "okay"])
def test_a_page_of_somebody_else_is_no_yes_of_slack(server: Slack, page: str) -> None:
    server.answer = (200, page)
    assert slack.send(configured(server.url), night()) == f"failed: Slack answered 200 {page}"


@pytest.mark.parametrize("wait", ["0.5", "", "-5", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_wait_that_is_no_number_of_seconds_is_not_waited_for(server: Slack, wait: str) -> None:
    server.answer, server.retry_after = (429, "rate_limited"), wait
    assert slack.send(configured(server.url), night()) == "failed: Slack answered 429 rate_limited"


def test_who_never_finishes_an_answer_is_not_waited_for_without_end(
    server: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack, "_posted", lambda *_: sleep(60))
    monkeypatch.setattr(slack, "LONGEST_WAIT_SECONDS", 0)
    monkeypatch.setattr(slack, "TIMEOUT_SECONDS", 0.1)
    assert slack.send(configured(server.url), night()) == "failed: no answer in time"


def test_a_proxy_that_repeats_the_address_or_token_does_not_tell_it_on(server: Slack) -> None:
    server.answer = (502, f"no route to {SECRET}")
    assert slack.send(configured(server.url), night()) == "failed: Slack answered 502 no route to …"
    server.answer = (502, f"not with {TOKEN}")
    said = slack.send(by_bot(server), night())
    assert said.startswith("failed: Slack answered 502 ")
    assert "not with …" in said


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:9" + SECRET, "no connection, "),
        ("http://127.0.0.1:nine" + SECRET, "InvalidURL"),
        ("xoxb" + SECRET, "NEXTPICK_SLACK_WEBHOOK_URL is no http address"),
    ],
)
def test_an_address_that_leads_nowhere_fails_with_a_reason(url: str, why: str) -> None:
    assert slack.send(configured(url), night()).startswith(f"failed: {why}")


@pytest.mark.parametrize("answer", [None, (404, "no_service"), (429, "rate_limited")])
def test_the_address_is_in_no_log_however_talkative(
    server: Slack, answer: tuple[int, str] | None, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    server.answer = answer
    with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as logged:
        for url in (server.url, "http://127.0.0.1:9" + SECRET, "xoxb" + SECRET):
            slack.send(configured(url), night())
    written = capfd.readouterr()
    assert logged
    for text in (caplog.text, str(logged), written.out, written.err):
        assert "the-secret" not in text


def test_without_an_address_alerts_go_to_the_log() -> None:
    with structlog.testing.capture_logs() as logged:
        assert slack.send(configured(None), night()) == "not_configured"
    entry: dict[str, Any] = logged[0]
    assert entry["log_level"] == "warning"
    assert REASON in entry["text"]


def test_a_bot_posts_to_its_channel_and_what_slack_says_is_returned(server: Slack) -> None:
    assert slack.send(by_bot(server), night()) == "sent"
    (message,) = server.messages
    assert message["channel"] == CHANNEL
    assert REASON in server.texts()
    assert slack.send(by_bot(server, token="xoxb-another"), night()) == "failed: Slack answered 200 invalid_auth"
    assert slack.send(by_bot(server, channel="#tea"), night()) == "failed: Slack answered 200 channel_not_found"
    assert slack.send(by_bot(server, channel=None), night()) == "failed: NEXTPICK_SLACK_CHANNEL is not set"


@pytest.mark.parametrize("way", ["bot", "webhook"])
def test_where_slack_is_busy_for_a_moment_it_is_waited_for_but_not_for_an_hour(server: Slack, way: str) -> None:
    chosen = by_bot(server) if way == "bot" else configured(server.url)
    server.answer, server.busy, server.retry_after = (429, "rate_limited"), 1, 1
    assert slack.send(chosen, night()) == "sent"
    server.busy, server.retry_after = 1, 3600
    assert slack.send(chosen, night()).startswith("failed: Slack answered 429")
    assert len(server.messages) == 1


def test_a_bots_token_is_in_no_log(
    server: Slack, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as logged:
        for answer in (None, (500, "oh no"), (429, "rate_limited")):
            server.answer = answer
            slack.send(by_bot(server), night())
    written = capfd.readouterr()
    assert logged
    for text in (caplog.text, str(logged), written.out, written.err):
        assert "the-secret" not in text


def test_each_message_says_where_to_look_and_an_alert_what_it_costs_and_what_was_done(server: Slack) -> None:
    harmful = one(run=LINK + "/run", harm="drift with harm", retrain="requested")
    for message in (
        messages.drift_message(harmful),
        messages.over_message(harmful, ["price_log", "kind"]),
        messages.heartbeat_message(harmful, 7, 2),
    ):
        server.messages.clear()
        assert slack.send(configured(server.url), message) == "sent"
        assert f"<{LINK}|" in server.texts()
        assert f"<{LINK}/run|" in server.texts()
    alert = str(messages.drift_message(harmful).blocks)
    assert "drift with harm" in alert
    assert "`retrain` has been asked for" in alert
    assert "As before again: price_log, kind." in str(messages.over_message(harmful, ["price_log", "kind"]).blocks)
    assert "7 reports in 7 days, 2 alerts" in str(messages.heartbeat_message(harmful, 7, 2).blocks)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError('column "x" does not exist\nLINE 1: SELECT x\n               ^'), "ValueError: LINE 1: SELECT x"),
        (KeyError("lineage"), "KeyError: 'lineage'"),
        (AssertionError(), "AssertionError: no message"),
        (
            ValueError("cannot open postgresql://shop:hunter2@db:5432/x"),
            "ValueError: cannot open postgresql://…@db:5432/x",
        ),
        (ValueError('missing "=" after "nextpick:hunter2@db:5432/nextpick"'), 'missing "=" after "…@db:5432/nextpick"'),
        ("postgresql://u:pa/ss@w@h/db; http://:tok@h/", "postgresql://…@h/db; http://…@h/"),
        ("password=hunter2, port=1", "password=…, port=1"),
        ("AWS_SECRET_ACCESS_KEY: abc", "AWS_SECRET_ACCESS_KEY: …"),
        ('{"api_key": "np_abc", "user": 1}', '{"api_key": …, "user": 1}'),
        ("POST https://hooks.slack.com/services/T/B/SECRET: 404", "POST https://hooks.slack.com/services/… 404"),
        ("xoxb-12-ab is no token", "… is no token"),
        ("\t\x1f\n ^", "no message"),
    ],
)
def test_a_failure_is_told_by_what_it_is_and_without_passwords(error: object, said: str) -> None:
    text = messages.failure_message("retrain", "gate", error).text
    assert text.endswith(said)
    assert "hunter2" not in text
