-- name: releases
-- The live releases and the newest %(n)s, newest first.
SELECT r.release_id, r.model_version, coalesce(nullif(l.variant, 'default'), r.status) AS status,
       l.variant IS NOT DISTINCT FROM 'default' AS live, r.users, r.cutoff, r.created_at
FROM nextpick.releases AS r LEFT JOIN nextpick.live AS l USING (release_id)
WHERE l.release_id IS NOT NULL
   OR r.release_id IN (SELECT release_id FROM nextpick.releases ORDER BY release_id DESC LIMIT %(n)s)
ORDER BY r.release_id DESC;

-- name: events
-- How many events there are, as the planner believes: no scan. One row.
SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'nextpick.events'::regclass;

-- name: drift
-- The last report's verdict and moment, or no row.
SELECT verdict, created_at FROM nextpick.drift_reports ORDER BY created_at DESC LIMIT 1;
