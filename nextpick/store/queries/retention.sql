-- name: in_use
-- Model versions and bundles of releases whose lists are there, or in the making.
SELECT DISTINCT model_version, bundle_sha256 FROM nextpick.releases WHERE status <> 'dropped';

-- name: made_before
-- Releases from before a moment whose lists are there, live ones excepted.
SELECT release_id FROM nextpick.releases
WHERE created_at < %(before)s AND status IN ('ready', 'blocked', 'rejected')
  AND release_id NOT IN (SELECT release_id FROM nextpick.live);

-- name: bytes
-- What a release's lists and items take, as far as it tells.
SELECT coalesce(bytes, 0) FROM nextpick.releases WHERE release_id = %(release_id)s;

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

-- name: report_paths
-- Where all HTML reports lie.
SELECT path FROM nextpick.drift_reports WHERE path IS NOT NULL;

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
