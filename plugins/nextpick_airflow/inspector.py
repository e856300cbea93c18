"""Look up a user, an item or a release: what is known of it, what it was answered, and why."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from nextpick_airflow import home_page

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from fastapi.responses import Response
    from psycopg import Connection

    from nextpick.store.standings import Standing
    from nextpick.store.traffic import Live

MOST_ID = 256  # characters, as the tables allow
EVENTS, ANSWERS, SIMILAR, ENTRIES = 100, 10, 12, 20  # that are shown


class Odd(Exception):
    """What was asked for can be nobody's id, or is not there; the message is for the reader."""

    def __init__(self, why: str, status: int = 404) -> None:
        super().__init__(why)
        self.status = status


def add(app: "FastAPI") -> None:
    """The pages, each found by `?id=`: any text may be an id, also one that no path may hold."""
    from fastapi import Request
    from fastapi.responses import HTMLResponse, Response

    @app.exception_handler(Odd)
    def odd(request: Request, error: Odd) -> HTMLResponse:
        asked = home_page.short(request.query_params.get("id", ""))
        return home_page.page("absent.html", error.status, why=str(error), asked=asked.replace("\0", ""))

    @app.get("/look")
    def look(request: Request) -> Response:
        return _look(_id(request))

    @app.get("/user")
    def user(request: Request) -> Response:
        with home_page.database() as conn:
            return home_page.page("user.html", **_user(conn, _id(request)))

    @app.get("/lists")
    def lists(request: Request) -> Response:
        from nextpick_airflow import inspector_lists

        return home_page.page("lists.html", **inspector_lists.of(_id(request)))

    @app.get("/item")
    def item(request: Request) -> Response:
        with home_page.database() as conn:
            return home_page.page("item.html", **_item(conn, _id(request)))

    @app.get("/release")
    def release(request: Request) -> Response:
        with home_page.database() as conn:
            return home_page.page("release.html", **_release(conn, _id(request)))


def _id(request: "Request") -> str:
    """What is looked for. Raises: Odd where nothing can have that id."""
    text = request.query_params.get("id", "")
    if not text.strip():
        raise Odd("Type the id of a user or an item, or the number of a release.", 422)
    if len(text) > MOST_ID:
        raise Odd(f"Ids have {MOST_ID} characters at most, and this text has {len(text):,}.", 422)
    if "\0" in text:
        raise Odd("No id holds a NUL character.", 422)
    return text


def _look(text: str) -> "Response":
    """The page of what has that id; where several have, the choice."""
    from fastapi.responses import RedirectResponse

    text, found = _found(text)
    if len(found) > 1:
        return home_page.page("choice.html", asked=text, found=found)
    return RedirectResponse(f"{found[0]}?{urlencode({'id': text})}", 303, headers=home_page.HEADERS)


def _found(text: str) -> tuple[str, list[str]]:
    """The id, as it was typed or without the space around it, and the pages it has. Raises: Odd where it has none."""
    from dataclasses import asdict

    from nextpick.store import inspect

    with home_page.database() as conn:
        for tried in dict.fromkeys((text, text.strip())):
            if pages := [name.split("_")[1] for name, has in asdict(inspect.named(conn, tried)).items() if has]:
                return tried, pages
    raise Odd(
        "Nothing here has this id: no user with an event, a list or an answer, no item, no release. "
        "Ids are told apart to the letter, capitals too."
    )


def _user(conn: "Connection", user_id: str) -> dict[str, Any]:
    from nextpick.store import inspect, items

    answers = inspect.answers(conn, user_id, ANSWERS)
    return {
        "asked": user_id,
        "erased_at": inspect.erased_at(conn, user_id),
        "events": inspect.history(conn, user_id, EVENTS),
        "most": EVENTS,
        "answers": answers,
        "titles": items.titles(conn, sorted({item_id for one in answers for item_id in one.item_ids})),
    }


def _item(conn: "Connection", item_id: str) -> dict[str, Any]:
    from nextpick.features.items import ITEM_FEATURES
    from nextpick.release.feature_words import words
    from nextpick.store import inspect, traffic

    item, live = inspect.item(conn, item_id), _default(traffic.live(conn))
    known = inspect.in_release(conn, live.release_id, item_id) if live else None
    if item is None and known is None:
        raise Odd("There is no such item, neither in the catalogue nor in the live release. PUT /items adds one.")
    features, similar = [], []
    if live and known:
        names = live.lineage.get("item_features", ITEM_FEATURES)
        features = [(name, value, words(f"item_{name}", value)) for name, value in zip(names, known.features)]  # noqa: B905 - an older release's
        similar = inspect.similar(conn, live.release_id, known.item_row, SIMILAR)
    return {"asked": item_id, "item": item, "live": live, "known": known, "features": features, "similar": similar}


def _release(conn: "Connection", text: str) -> dict[str, Any]:
    from nextpick.settings import load_settings
    from nextpick.store import inspect, standings, traffic

    number = inspect.release_number(text)
    made = None if number is None else inspect.release(conn, number)
    if number is None or made is None:
        raise Odd("There is no such release. The page NextPick lists the newest; `nextpick releases` lists all.")
    standing, live = standings.get(conn, number), _default(traffic.live(conn))
    return {
        "asked": text,
        "one": standing,
        "made": made,
        "live": live,
        "back": _back(standing, standings.get(conn, live.release_id) if live else None),
        "away": _away(standing.bundle_uri),
        "log": inspect.log(conn, number, ENTRIES),
        "mlflow": load_settings().mlflow_address,
    }


def _default(found: "list[Live]") -> "Live | None":
    return next((one for one in found if one.variant == "default"), None)


def _back(one: "Standing", live: "Standing | None") -> str:
    """Why the release cannot be gone back to, or nothing. The stage that does it has the word."""
    from nextpick.stages import rollback

    if live is None:
        return "no release is live to go back from"
    if one.live:
        return "it is live"
    if rollback.possible([one], live):
        return ""
    if one.release_id > live.release_id:
        return "it was made after the live one. To make it live, publish it"
    if one.status == "dropped" or (one.status == "ready" and not one.there):
        return "its lists are no longer in the database"
    if one.status != "ready":
        return f"it is {one.status}"
    return "its model was gone back from" if one.rejected else "it was never live. To make it live, publish it"


def _away(bundle_uri: str) -> str:
    """Where a bundle is that is not on this machine, or nothing."""
    if "://" in bundle_uri:
        return "in the object store"
    with suppress(OSError, ValueError):
        if Path(bundle_uri).is_dir():
            return ""
    return "not on the machine of Airflow's pages; MLflow has it"
