-- name: record
-- How a run ended; the same run again is told anew.
INSERT INTO nextpick.runs (dag, run_id, outcome, started_at)
VALUES (%(dag)s, %(run_id)s, %(outcome)s, %(started_at)s)
ON CONFLICT (dag, run_id) DO UPDATE SET
    outcome = excluded.outcome, started_at = excluded.started_at, ended_at = now();

-- name: forget
-- Runs that ended before a moment, each DAG's last of every outcome excepted.
DELETE FROM nextpick.runs AS r WHERE ended_at < %(before)s AND EXISTS (
    SELECT FROM nextpick.runs AS later
    WHERE later.dag = r.dag AND later.outcome = r.outcome AND later.ended_at > r.ended_at);

-- name: last
-- Of each DAG its last run, and when it last succeeded.
SELECT DISTINCT ON (dag) dag, outcome, started_at, ended_at,
       (SELECT max(s.ended_at) FROM nextpick.runs AS s WHERE s.dag = r.dag AND s.outcome = 'success') AS succeeded_at
FROM nextpick.runs AS r ORDER BY dag, ended_at DESC;
