"""What served answers were scored by, replayed as training computes it: everybody at once, from the raw events."""

from dataclasses import dataclass, replace
from uuid import UUID

import httpx
import numpy as np
import pandas as pd
import psycopg
import pytest
from fastapi import FastAPI

from nextpick.data.clean import clean
from nextpick.features import pair
from nextpick.features.items import item_table
from nextpick.models import trees
from nextpick.models.bundle import Bundle, load_bundle
from nextpick.release.lookup import microseconds
from nextpick.release.slots import FOLD_IN, POPULAR, RERANKED
from nextpick.schema import US_PER_DAY
from nextpick.stages import skew
from nextpick.store import events, impressions, items, releases
from nextpick.store.impressions import Impression
from tests.published import LAST, Version, fill, publish
from tests.serving.conftest import running

pytestmark = pytest.mark.anyio
KNOWN = ("tea00", "tea07", "tool02", "tool09")
STRANGERS = ("stranger", "passer-by")  # the second did nothing that counts
DONE = (  # an item most lists have, one of the other circle, one twice, one nobody knows, a kind that does not count
    ("tea-03", "purchase"),
    ("tool-01", "purchase"),
    ("tea-03", "purchase"),
    ("tea-14", "purchase"),
    ("never-seen", "purchase"),
    ("tea-05", "view"),
)


@dataclass(frozen=True)
class Log:
    """What is left of the traffic: every answer, and the raw tables."""

    answers: tuple[Impression, ...]
    events: pd.DataFrame
    catalogue: pd.DataFrame
    bundle: Bundle
    cutoff: int

    def of(self, source: str) -> list[Impression]:
        """The answers that have places of a source."""
        return [one for one in self.answers if source in one.sources]


async def ask(client: httpx.AsyncClient, user_id: str) -> UUID:
    response = await client.post("/recommend", json={"user_id": user_id, "top_k": 25})
    assert response.status_code == 200, response.text
    return UUID(response.json()["recommendation_id"])


@pytest.fixture
async def logged(app: FastAPI, conn: psycopg.Connection, version: Version) -> Log:
    """Traffic through the app: each user asks, does something, asks again, does more, and asks once more."""
    assert trees.compiled() is not None  # answers are scored by the compiled code, replays by either
    fill(conn)
    conn.commit()
    release = releases.get(conn, publish(conn, version))
    given: list[UUID] = []
    async with running(app) as client:
        for user in (*KNOWN, *STRANGERS):
            given.append(await ask(client, user))
            for some in (DONE[:2], DONE[2:]):
                for item, kind in some if user != "passer-by" else DONE[4:]:
                    sent = {"user_id": user, "item_id": item, "kind": kind}
                    assert (await client.post("/events", json=sent)).status_code == 200
                given.append(await ask(client, user))
    bundle = load_bundle(version.bundle_dir)
    newest = LAST + pd.Timedelta(days=10_000)
    found = [impressions.get(conn, one) for one in given]
    answers = tuple(one for one in found if one is not None)
    assert len(answers) == len(given)
    return Log(answers, events.read(conn, before=newest), items.read(conn), bundle, microseconds(release.cutoff))


def replayed(log: Log, answer: Impression, *, shift: int = 0) -> dict[str, np.ndarray]:
    """Each candidate's features by its id, as training would have computed them at the answer's as_of.

    A list keeps the generators' scores and ranks of its release's cutoff; a stranger's candidates are scored at as_of.
    `shift` (microseconds) moves as_of, so that it can be seen that it matters.
    """
    bundle = log.bundle
    interactions = clean(log.events, bundle.params.data.kinds).interactions
    as_of = microseconds(answer.as_of) + shift
    table = item_table(interactions, log.catalogue, bundle.items, log.cutoff)
    proposed_at = log.cutoff if RERANKED in answer.sources else as_of
    return skew.replay(bundle, table, interactions, str(answer.user_id), as_of, proposed_at)


def same(log: Log, answer: Impression, source: str, *, shift: int = 0) -> np.ndarray:
    """Of each place of a source, whether the features logged are those replayed, bit for bit: bool."""
    assert answer.features is not None
    served = answer.features.reshape(len(answer.item_ids), len(log.bundle.features))
    found = replayed(log, answer, shift=shift)
    places = [place for place, one in enumerate(answer.sources) if one == source]
    return np.array([bits(served[at], found.get(answer.item_ids[at])) for at in places])


def bits(served: np.ndarray, trained: np.ndarray | None) -> bool:
    """Whether two rows of float32 are equal, bit for bit."""
    return trained is not None and served.dtype == trained.dtype and bool(skew.same_bits(served, trained).all())


@pytest.mark.parametrize("compiled", [False, True])
async def test_features_served_are_those_training_computes(
    logged: Log, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the known from their list, of the stranger from what they did: before and after events, by either code."""
    if not compiled:
        monkeypatch.setattr(pair, "_kernel", None)
    listed, folded = logged.of(RERANKED), logged.of(FOLD_IN)
    assert [one.user_id for one in listed] == [user for user in KNOWN for _ in range(3)]
    assert {one.user_id for one in folded} >= {"stranger"}
    checked = 0
    for answers, source in ((listed, RERANKED), ([one for one in folded if one.user_id == "stranger"], FOLD_IN)):
        for answer in answers:
            equal = same(logged, answer, source)
            assert equal.all(), (answer.user_id, source, answer.as_of)
            checked += len(equal)
    assert checked >= 250


async def test_events_in_between_change_what_is_replayed(logged: Log) -> None:
    """So the replay is no comparison of a thing with itself: as_of moves with the events, and the features with it."""
    for user in KNOWN:
        moments = [one.as_of for one in logged.of(RERANKED) if one.user_id == user]
        assert moments == sorted(set(moments))
        assert microseconds(moments[0]) == logged.cutoff


@pytest.mark.parametrize("shift", [-1, US_PER_DAY])
async def test_a_moment_that_is_not_the_answers_is_noticed(logged: Log, shift: int) -> None:
    """A microsecond too early the last event is not known yet; a day too late all are a day older."""
    for answer in (one for one in logged.of(RERANKED) if microseconds(one.as_of) > logged.cutoff):
        assert not same(logged, answer, RERANKED, shift=shift).any()
    for answer in (one for one in logged.of(FOLD_IN) if one.user_id == "stranger"):
        assert not same(logged, answer, FOLD_IN, shift=shift).any()


async def test_an_event_that_training_would_not_know_is_noticed(logged: Log) -> None:
    """The replay reads the events: without those that came through the API it differs."""
    loaded = logged.events[logged.events["occurred_at"] <= LAST]
    assert len(loaded) < len(logged.events)
    last = [one for one in logged.of(RERANKED) if one.user_id == "tea00"][-1]
    assert not same(replace(logged, events=loaded), last, RERANKED).any()


async def test_who_did_nothing_that_counts_has_no_features_to_replay(logged: Log) -> None:
    passing = [one for one in logged.answers if one.user_id == "passer-by"]
    assert len(passing) == 3
    assert {source for one in passing for source in one.sources} == {POPULAR}
    assert all(one.features is None for one in passing)
