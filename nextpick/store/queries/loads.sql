-- name: lock
-- One load at a time: the others wait here. Held by the session, over its transactions.
SELECT pg_advisory_lock(%(key)s);

-- name: unlock
-- The next load may go on.
SELECT pg_advisory_unlock(%(key)s);

-- name: stage
-- A private table for the rows a load cannot use; it outlives the transaction, not the session.
DROP TABLE IF EXISTS pg_temp.incoming_rejects;
CREATE TEMPORARY TABLE incoming_rejects (are_items boolean, line_number bigint, reason text, line jsonb);

-- name: fill
-- Rows that cannot be used.
COPY pg_temp.incoming_rejects (are_items, line_number, reason, line) FROM STDIN;

-- name: record
-- A load that is done, and its rejected rows with it. Returns its id.
WITH load AS (
    INSERT INTO nextpick.loads (source, started_at, finished_at, rows_read, events_new, events_known, items_written,
                                quarantined, dropped, shift_days)
    VALUES (%(source)s, %(started_at)s, clock_timestamp(), %(rows_read)s, %(events_new)s, %(events_known)s,
            %(items_written)s, %(quarantined)s, %(dropped)s, %(shift_days)s)
    RETURNING load_id
), kept AS (
    INSERT INTO nextpick.quarantine (load_id, line_number, reason, line)
    SELECT load_id, line_number, reason, line FROM load, pg_temp.incoming_rejects AS r WHERE r.are_items = %(are_items)s
)
SELECT load_id FROM load;

-- name: unstage
-- The private table is done with.
DROP TABLE pg_temp.incoming_rejects;

-- name: shift_days
-- By how many days the first load of a source was moved.
SELECT shift_days FROM nextpick.loads WHERE source = %(source)s ORDER BY load_id LIMIT 1;
