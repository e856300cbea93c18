-- name: lock
-- Whether it is this session's turn to make a report; kept until unlock, or until the session ends. Does not wait.
SELECT pg_try_advisory_lock(%(key)s);

-- name: unlock
-- Let the next one in.
SELECT pg_advisory_unlock(%(key)s);

-- name: newest
-- When the newest event before as_of happened, or null.
SELECT max(occurred_at) FROM nextpick.events WHERE occurred_at < %(as_of)s;

-- name: older_users
-- Of some users those with an event of these kinds before a moment: an index tells each, from the newest month back.
SELECT u.user_id FROM unnest(%(ids)s::text[]) AS u (user_id)
CROSS JOIN LATERAL (
    SELECT FROM nextpick.events AS e
    WHERE e.user_id = u.user_id AND e.occurred_at < %(before)s AND e.kind = ANY (%(kinds)s)
    ORDER BY e.occurred_at DESC LIMIT 1
) AS e;

-- name: older_items
-- The same of some items, by one look at the events: an index for this alone would cost every event that comes in.
SELECT DISTINCT item_id FROM nextpick.events
WHERE item_id = ANY (%(ids)s) AND occurred_at < %(before)s AND kind = ANY (%(kinds)s);

-- name: newest_live
-- When the newest event of a window happened that came in within two days of it, or null: by the index, from the end.
SELECT occurred_at FROM nextpick.events
WHERE occurred_at >= %(since)s AND occurred_at < %(before)s AND received_at < occurred_at + interval '2 days'
ORDER BY occurred_at DESC LIMIT 1;

-- name: live_events
-- How many events of a window came in within two days of happening: those of a bulk load of the past did not.
SELECT count(*) FROM nextpick.events
WHERE occurred_at >= %(since)s AND occurred_at < %(before)s AND received_at < occurred_at + interval '2 days';

-- name: release_at
-- The release that was live by default at a moment: what was then made live last; from before there was a log, what is
-- live now if it was then, else the newest.
SELECT release_id, (lineage ->> 'trained_until')::timestamptz FROM nextpick.releases AS r
WHERE release_id = coalesce(
    (SELECT to_release FROM nextpick.release_log
     WHERE action IN ('publish', 'force', 'rollback') AND to_release IS NOT NULL AND at <= %(as_of)s
     ORDER BY entry_id DESC LIMIT 1),
    (SELECT release_id FROM nextpick.live WHERE variant = 'default' AND flipped_at <= %(as_of)s),
    (SELECT release_id FROM nextpick.releases
     WHERE ready_at <= %(as_of)s AND status IN ('ready', 'dropped') ORDER BY ready_at DESC LIMIT 1));

-- name: answers
-- A sample of a window's answers, the same one every time: ids are random, and so is the order of their hashes.
-- Only ids are sorted: answers are wide. Those that were narrowed, or a challenger's, are not like the rest.
WITH chosen AS (
    SELECT recommendation_id FROM nextpick.impressions
    WHERE answered_at >= %(since)s AND answered_at < %(before)s AND NOT narrowed AND variant <> 'challenger'
    ORDER BY md5(recommendation_id::text) LIMIT %(limit)s
)
SELECT answered_at, release_id, scores, sources, features FROM nextpick.impressions JOIN chosen USING (recommendation_id)
WHERE answered_at >= %(since)s AND answered_at < %(before)s;

-- name: features
-- The names of the features that each release's ranker reads, where the release tells.
SELECT release_id, lineage -> 'features' FROM nextpick.releases WHERE lineage ? 'features';

-- name: save
-- The night's one report: a later one of the same night replaces it and keeps its id. Returns the id.
INSERT INTO nextpick.drift_reports (as_of, run_id, current_start, current_end, reference_start, reference_end,
                                    release_id, verdict, reasons, path, notified, harm, retrain, taken)
VALUES (%(as_of)s, %(run_id)s, %(current_start)s, %(current_end)s, %(reference_start)s, %(reference_end)s,
        %(release_id)s, %(verdict)s, %(reasons)s, %(path)s, %(notified)s, %(harm)s,
        %(retrain)s, %(taken)s)
ON CONFLICT (as_of) DO UPDATE SET
    run_id = excluded.run_id, created_at = now(), current_start = excluded.current_start,
    current_end = excluded.current_end, reference_start = excluded.reference_start,
    reference_end = excluded.reference_end, release_id = excluded.release_id, verdict = excluded.verdict,
    reasons = excluded.reasons, path = excluded.path, notified = excluded.notified, harm = excluded.harm,
    retrain = excluded.retrain, taken = excluded.taken
RETURNING report_id;

-- name: forget_metrics
-- What an earlier report of the same night measured.
DELETE FROM nextpick.drift_metrics WHERE report_id = %(report_id)s;

-- name: save_metric
-- One statistic of one column.
INSERT INTO nextpick.drift_metrics (report_id, place, column_name, statistic, value, threshold, noise_floor,
                                    reference_n, current_n, verdict, kind, nights, alarm)
VALUES (%(report_id)s, %(place)s, %(column_name)s, %(statistic)s, %(value)s, %(threshold)s, %(noise_floor)s,
        %(reference_n)s, %(current_n)s, %(verdict)s, %(kind)s, %(nights)s, %(alarm)s);

-- name: mark_notified
-- Who has been told of a report.
UPDATE nextpick.drift_reports SET notified = %(notified)s WHERE report_id = %(report_id)s;

-- name: reports
-- The newest reports, newest first.
SELECT report_id, as_of, run_id, current_start, current_end, reference_start, reference_end, release_id, verdict,
       reasons, path, notified, harm, retrain, taken
FROM nextpick.drift_reports WHERE as_of < %(before)s ORDER BY as_of DESC LIMIT %(limit)s;

-- name: heads
-- The reports of some nights, newest first.
SELECT report_id, as_of, run_id, current_start, current_end, reference_start, reference_end, release_id, verdict,
       reasons, path, notified, harm, retrain, taken
FROM nextpick.drift_reports WHERE as_of >= %(since)s AND as_of < %(before)s ORDER BY as_of DESC;

-- name: report
-- One report by its id.
SELECT report_id, as_of, run_id, current_start, current_end, reference_start, reference_end, release_id, verdict,
       reasons, path, notified, harm, retrain, taken
FROM nextpick.drift_reports WHERE report_id = %(report_id)s;

-- name: report_of
-- The report of one night.
SELECT report_id, as_of, run_id, current_start, current_end, reference_start, reference_end, release_id, verdict,
       reasons, path, notified, harm, retrain, taken
FROM nextpick.drift_reports WHERE as_of = %(as_of)s;

-- name: metrics
-- What some reports measured, in their own order.
SELECT report_id, column_name, statistic, value, threshold, noise_floor, reference_n, current_n, verdict,
       kind, nights, alarm
FROM nextpick.drift_metrics WHERE report_id = ANY (%(report_ids)s) ORDER BY report_id, place;

-- name: retrain_requested
-- The newest night before a moment on whose report a retraining was asked for.
SELECT max(as_of) FROM nextpick.drift_reports WHERE as_of < %(night)s AND retrain = 'requested';

-- name: mark_requested
-- A report's request for a retraining is acted on.
UPDATE nextpick.drift_reports SET retrain = 'requested' WHERE report_id = %(report_id)s;

-- name: count
-- How many nights have a report.
SELECT count(*) FROM nextpick.drift_reports WHERE as_of BETWEEN %(since)s AND %(before)s;

-- name: figures
-- The newest report's verdict and figures, and how many alerts Slack did not take in a day: one row for /metrics.
SELECT extract(epoch FROM r.as_of)::float8, r.verdict, r.harm,
       coalesce((SELECT jsonb_agg(jsonb_build_array(column_name, statistic, value, threshold, verdict, nights))
                 FROM nextpick.drift_metrics AS m WHERE m.report_id = r.report_id), '[]'),
       (SELECT count(*) FROM nextpick.alerts WHERE told_at > now() - interval '1 day' AND starts_with(outcome, 'failed'))
FROM (SELECT) AS one
LEFT JOIN LATERAL (SELECT * FROM nextpick.drift_reports WHERE as_of <= now() ORDER BY as_of DESC LIMIT 1) AS r ON true;
