-- name: in_use
-- Model versions and bundles of releases whose lists are there, or in the making.
SELECT DISTINCT model_version, bundle_sha256 FROM nextpick.releases WHERE status <> 'dropped';

-- name: beyond
-- Releases older than the newest %(keep)s that can be served, or than %(horizon)s; neither live nor in the making;
-- and what a killed run left of dropped ones.
SELECT release_id, coalesce(bytes, 0) FROM nextpick.releases
WHERE status IN ('ready', 'blocked', 'rejected')
  AND release_id NOT IN (SELECT release_id FROM nextpick.live)
  AND (created_at < %(horizon)s OR (
      release_id NOT IN (
          SELECT release_id FROM nextpick.releases
          WHERE status = 'ready' AND release_id NOT IN (SELECT release_id FROM nextpick.live)
          ORDER BY release_id DESC LIMIT %(keep)s - 1)
      AND (status = 'ready' OR created_at < %(before)s)))
   OR status = 'dropped' AND to_regclass('nextpick.lists_' || release_id) IS NOT NULL
   OR status = 'dropped' AND to_regclass('nextpick.release_items_' || release_id) IS NOT NULL
ORDER BY release_id;

-- name: partitions
-- A table's partitions and their bytes, indexes and all.
SELECT c.relname, pg_total_relation_size(c.oid)
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = %(table)s::regclass ORDER BY c.relname;

-- name: astray
-- The months of the rows in a DEFAULT partition, and how many there are of each.
SELECT date_trunc('month', {key}, 'UTC'), count(*) FROM {table} GROUP BY 1 ORDER BY 1;

-- name: forget_ids
-- The ids of the events of a month, which no event has any more.
DELETE FROM nextpick.event_ids USING {table} AS gone WHERE event_ids.event_id = gone.event_id;

-- name: quarantined
-- Rejected rows of loads that ended before a moment: how many, and their bytes.
SELECT count(*), coalesce(sum(pg_column_size(q.*)), 0)::bigint
FROM nextpick.quarantine AS q JOIN nextpick.loads USING (load_id) WHERE finished_at < %(before)s;

-- name: forget_quarantined
-- Rejected rows of loads that ended before a moment; the loads themselves stay.
DELETE FROM nextpick.quarantine AS q USING nextpick.loads AS l
WHERE l.load_id = q.load_id AND l.finished_at < %(before)s;

-- name: reports
-- Where HTML reports from before a moment lie.
SELECT path FROM nextpick.drift_reports WHERE as_of < %(before)s AND path IS NOT NULL ORDER BY as_of;

-- name: forget_report
-- The HTML of a report is gone; its figures stay.
UPDATE nextpick.drift_reports SET path = NULL WHERE path = %(path)s;

-- name: snapshots
-- The newest snapshots, none from before a moment.
SELECT raw_md5 FROM nextpick.snapshots WHERE exported_at >= %(since)s ORDER BY exported_at DESC LIMIT %(n)s;

-- name: move_bundles
-- Bundles lie below another folder now.
UPDATE nextpick.releases SET bundle_uri = %(new)s || substr(bundle_uri, length(%(old)s) + 1)
WHERE starts_with(bundle_uri, %(old)s || '/');
