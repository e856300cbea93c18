-- name: stage
-- A private table for one bulk insert.
CREATE TEMPORARY TABLE incoming_events (
    place bigint GENERATED ALWAYS AS IDENTITY,
    event_id text, user_id text, item_id text, kind text, occurred_at timestamptz, value float8
) ON COMMIT DROP;

-- name: fill
-- The rows of a bulk insert.
COPY pg_temp.incoming_events (event_id, user_id, item_id, kind, occurred_at, value) FROM STDIN (FORMAT csv);

-- name: insert_staged
-- Of the staged rows those whose event id is new; the first one where an id stands twice.
WITH fresh AS (
    INSERT INTO nextpick.event_ids (event_id)
    SELECT DISTINCT event_id FROM pg_temp.incoming_events ORDER BY event_id
    ON CONFLICT DO NOTHING RETURNING event_id
)
INSERT INTO nextpick.events (event_id, user_id, item_id, kind, occurred_at, value)
SELECT DISTINCT ON (event_id) event_id, user_id, item_id, kind, occurred_at, value
FROM pg_temp.incoming_events JOIN fresh USING (event_id)
ORDER BY event_id, place;

-- name: unstage
-- The private table is done with.
DROP TABLE pg_temp.incoming_events;

-- name: read
-- Interactions of a window, oldest first.
COPY (
    SELECT event_id, user_id, item_id, kind, occurred_at, value FROM nextpick.events
    WHERE occurred_at >= %(since)s AND occurred_at < %(before)s
    ORDER BY occurred_at, event_id
) TO STDOUT (FORMAT csv);

-- name: newest
-- When the newest event happened, or null.
SELECT max(occurred_at) FROM nextpick.events;
