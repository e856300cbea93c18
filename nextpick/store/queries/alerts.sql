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
