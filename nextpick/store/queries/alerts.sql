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

-- name: figures
-- The newest report's verdict and figures, and how many alerts Slack did not take in a day: one row for /metrics.
SELECT extract(epoch FROM r.as_of)::float8, r.verdict, r.harm,
       coalesce((SELECT jsonb_agg(jsonb_build_array(column_name, statistic, value, threshold, verdict, nights))
                 FROM nextpick.drift_metrics AS m WHERE m.report_id = r.report_id), '[]'),
       (SELECT count(*) FROM nextpick.alerts WHERE told_at > now() - interval '1 day' AND starts_with(outcome, 'failed'))
FROM (SELECT) AS one
LEFT JOIN LATERAL (SELECT * FROM nextpick.drift_reports ORDER BY as_of DESC LIMIT 1) AS r ON true;
