-- name: record
-- One alert and what became of it.
INSERT INTO nextpick.alerts (what, said, outcome) VALUES (%(what)s, %(said)s, %(outcome)s);

-- name: last_sent
-- When the newest alert of a sort reached people.
SELECT max(told_at) FROM nextpick.alerts WHERE what = %(what)s AND outcome = 'sent';

-- name: count_sent
-- How many alerts of a sort reached people since a moment.
SELECT count(*) FROM nextpick.alerts WHERE what = %(what)s AND outcome = 'sent' AND told_at >= %(since)s;

-- name: old
-- What was told before a moment: how many rows, and their bytes.
SELECT count(*), coalesce(sum(pg_column_size(a.*)), 0)::bigint FROM nextpick.alerts AS a WHERE told_at < %(before)s;

-- name: forget
-- What was told before a moment.
DELETE FROM nextpick.alerts WHERE told_at < %(before)s;

-- name: told
-- What people know to have drifted: of all, or where `heard` of what reached them and not a log alone.
SELECT column_name FROM nextpick.drift_told WHERE outcome = 'sent' OR NOT %(heard)s ORDER BY column_name;

-- name: remember
-- These columns are told of.
INSERT INTO nextpick.drift_told (column_name, outcome) SELECT unnest(%(columns)s::text[]), %(outcome)s
ON CONFLICT (column_name) DO UPDATE SET outcome = excluded.outcome, told_at = now();

-- name: over
-- These columns are told to be as before again.
DELETE FROM nextpick.drift_told WHERE column_name = ANY (%(columns)s);
