"""The service on a database that is not migrated says so, and heals once it is."""

import psycopg
import pytest

from nextpick.store.migrate import head, migrate
from serving.app import create_app
from tests.serving.conftest import running, settings_for
from tests.serving.test_errors import problem

pytestmark = pytest.mark.anyio
REMEDY = "Run `nextpick migrate` with this version of NextPick, then try again."


async def test_a_database_that_was_never_migrated_is_named_with_the_remedy_until_it_is(
    conn: psycopg.Connection, database_url: str
) -> None:
    conn.execute("DROP SCHEMA nextpick CASCADE")
    conn.commit()
    said = f"The database was never migrated; this NextPick needs revision {head()}. {REMEDY}"
    async with running(create_app(settings_for(database_url))) as client:
        ready = await client.get("/health/ready")
        assert ready.status_code == 503
        assert (ready.json()["database"], ready.json()["reasons"]) == ("not migrated", [said])
        event = {"user_id": "u", "item_id": "i", "kind": "view"}
        for response in (
            await client.post("/recommend", json={"user_id": "u"}),
            await client.post("/events", json=event),
            await client.put("/items", json={"item_id": "i"}),
            await client.get("/users/u"),
        ):
            assert problem(response, 503)["detail"] == said
            assert int(response.headers["retry-after"]) > 0
        migrate(database_url)
        assert (await client.post("/events", json=event)).json()["accepted"] == 1
        await client._transport.app.state.service.follower.poll()  # type: ignore[attr-defined]
        assert (await client.get("/health/ready")).json()["reasons"] == ["no release is live yet: publish one"]
        assert "Publish one" in str(problem(await client.post("/recommend", json={"user_id": "u"}), 503)["detail"])


async def test_a_database_of_an_older_version_is_named_and_one_of_a_newer_is_served(
    conn: psycopg.Connection, database_url: str, release_id: int
) -> None:
    async with running(create_app(settings_for(database_url))) as client:
        for present, status in (("0001", 503), ("9999", 200)):
            conn.execute("UPDATE nextpick.alembic_version SET version_num = %s", (present,))
            conn.commit()
            ready = await client.get("/health/ready")
            assert ready.status_code == status
            if status == 503:
                assert ready.json()["reasons"][0].startswith("The database is at revision 0001 and this NextPick needs")
