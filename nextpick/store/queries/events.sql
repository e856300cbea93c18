-- name: stage
-- A private table for one bulk insert; it outlives the transaction, not the session.
DROP TABLE IF EXISTS pg_temp.incoming_events;
CREATE TEMPORARY TABLE incoming_events (
    place bigint GENERATED ALWAYS AS IDENTITY,
    event_id text, user_id text, item_id text, kind text, occurred_at timestamptz, value float8, digest text
);

-- name: fill
-- The rows of a bulk insert.
COPY pg_temp.incoming_events (event_id, user_id, item_id, kind, occurred_at, value, digest) FROM STDIN (FORMAT csv);

-- name: staged_months
-- The months, UTC, that the staged rows are moved to.
SELECT DISTINCT date_trunc('month', occurred_at + %(shift)s, 'UTC') FROM pg_temp.incoming_events;

-- name: insert_staged
-- Of the staged rows those whose event id is new, moved in time; the first one where an id stands twice. A row without
-- an id has one made of its digest and of how many such rows stand above it. What erased users did before is left out:
-- a file that is loaded again brings nobody back.
WITH named AS (
    SELECT place, user_id, item_id, kind, occurred_at + %(shift)s AS occurred_at, value,
           coalesce(event_id, 'row-' || digest || '-' || row_number() OVER alike - 1) AS event_id
    FROM pg_temp.incoming_events
    WINDOW alike AS (PARTITION BY event_id IS NULL, digest ORDER BY place)
), welcome AS (
    SELECT * FROM named AS n
    WHERE NOT EXISTS (
        SELECT FROM nextpick.erased_users AS x WHERE x.user_id = n.user_id AND x.erased_at >= n.occurred_at)
), fresh AS (
    INSERT INTO nextpick.event_ids (event_id)
    SELECT DISTINCT event_id FROM welcome ORDER BY event_id
    ON CONFLICT DO NOTHING RETURNING event_id
)
INSERT INTO nextpick.events (event_id, user_id, item_id, kind, occurred_at, value)
SELECT event_id, user_id, item_id, kind, occurred_at, value
FROM (SELECT DISTINCT ON (event_id) * FROM welcome JOIN fresh USING (event_id) ORDER BY event_id, place) AS kept
ORDER BY occurred_at;

-- name: unstage
-- The private table is done with.
DROP TABLE pg_temp.incoming_events;

-- name: read
-- Interactions of a window, oldest first; nothing from before a user was erased.
COPY (
    SELECT event_id, user_id, item_id, kind, occurred_at, value FROM nextpick.events AS e
    WHERE occurred_at >= %(since)s AND occurred_at < %(before)s
      AND NOT EXISTS (
          SELECT FROM nextpick.erased_users AS x WHERE x.user_id = e.user_id AND x.erased_at >= e.received_at)
    ORDER BY occurred_at, event_id
) TO STDOUT (FORMAT csv);

-- name: read_arrived
-- The same, and when Postgres had each, in microseconds since 1970 UTC.
COPY (
    SELECT event_id, user_id, item_id, kind, occurred_at, value, (extract(epoch FROM received_at) * 1000000)::bigint
    FROM nextpick.events AS e
    WHERE occurred_at >= %(since)s AND occurred_at < %(before)s
      AND NOT EXISTS (
          SELECT FROM nextpick.erased_users AS x WHERE x.user_id = e.user_id AND x.erased_at >= e.received_at)
    ORDER BY occurred_at, event_id
) TO STDOUT (FORMAT csv);

-- name: of_users
-- What some users did before a moment, as far as it was told in time; nothing from before a user was erased.
COPY (
    SELECT e.user_id, e.item_id, e.kind, e.occurred_at
    FROM unnest(%(user_ids)s::text[]) AS u (user_id) JOIN nextpick.events AS e USING (user_id)
    WHERE e.occurred_at < %(before)s AND e.received_at <= %(known)s AND e.kind = ANY (%(kinds)s)
      AND NOT EXISTS (
          SELECT FROM nextpick.erased_users AS x WHERE x.user_id = e.user_id AND x.erased_at >= e.received_at)
) TO STDOUT (FORMAT csv);

-- name: by_item
-- What everybody did before a moment, as of_users, item by item; of some items where they are told.
COPY (
    SELECT e.user_id, e.item_id, e.kind, e.occurred_at FROM nextpick.events AS e
    WHERE e.occurred_at < %(before)s AND e.received_at <= %(known)s AND e.kind = ANY (%(kinds)s)
      AND (%(item_ids)s::text[] IS NULL OR e.item_id = ANY (%(item_ids)s::text[]))
      AND NOT EXISTS (
          SELECT FROM nextpick.erased_users AS x WHERE x.user_id = e.user_id AND x.erased_at >= e.received_at)
    ORDER BY e.item_id COLLATE "C"
) TO STDOUT (FORMAT csv);

-- name: newest
-- When the newest event happened, or null.
SELECT max(occurred_at) FROM nextpick.events;

-- name: moment
-- When this transaction began.
SELECT now();
