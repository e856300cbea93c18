-- name: mark_dropped
-- The release's generation is going from the database; its row stays, for lineage.
UPDATE nextpick.releases SET status = 'dropped' WHERE release_id = %(release_id)s;

-- name: beyond
-- Releases older than the newest %(keep)s that can be gone back to, the challenger's not counted, live ones and the newest
-- of the bundle before the live one excepted, and of each state the last; and what a killed run left of dropped ones. The
-- newest of the bundle before must have been live; of those from before there was a log nobody knows.
WITH good AS (
    SELECT release_id, bundle_sha256, run_id FROM nextpick.releases
    WHERE status = 'ready' AND bundle_sha256 NOT IN (SELECT bundle_sha256 FROM nextpick.rejections)
), kept AS (
    SELECT release_id FROM nextpick.live
    UNION (
        SELECT release_id FROM good
        WHERE bundle_sha256 NOT IN (
            SELECT bundle_sha256 FROM nextpick.releases JOIN nextpick.live USING (release_id)
            WHERE variant = 'challenger')
        ORDER BY release_id DESC LIMIT %(keep)s)
    UNION (
        SELECT max(release_id) FROM good
        WHERE release_id < (SELECT max(release_id) FROM nextpick.live WHERE variant = 'default')
          AND bundle_sha256 NOT IN (
              SELECT bundle_sha256 FROM nextpick.releases JOIN nextpick.live USING (release_id)
              WHERE variant = 'default')
          AND (run_id = '' OR EXISTS (
              SELECT FROM nextpick.release_log AS g
              WHERE g.to_release = good.release_id AND g.action IN ('publish', 'force', 'rollback'))))
    UNION SELECT max(release_id) FROM nextpick.releases GROUP BY status
)
SELECT release_id FROM nextpick.releases AS r
WHERE status IN ('ready', 'rejected', 'blocked') AND NOT EXISTS (SELECT FROM kept WHERE kept.release_id = r.release_id)
   OR status = 'dropped' AND to_regclass('nextpick.lists_' || release_id) IS NOT NULL
   OR status = 'dropped' AND to_regclass('nextpick.release_items_' || release_id) IS NOT NULL
ORDER BY release_id;

-- name: flip
-- The variant's readers see this release from the commit on, and who listens on nextpick_live is told.
WITH flipped AS (
    INSERT INTO nextpick.live (variant, release_id, share) VALUES (%(variant)s, %(release_id)s, 1)
    ON CONFLICT (variant) DO UPDATE SET release_id = excluded.release_id, flipped_at = now()
    RETURNING release_id)
SELECT pg_notify('nextpick_live', release_id::text) FROM flipped;

-- name: is_live
-- Whether the release is any variant's.
SELECT EXISTS (SELECT FROM nextpick.live WHERE release_id = %(release_id)s);

-- name: live
-- What a variant's readers should serve, or no row before the first publish.
SELECT r.release_id, r.model_version, r.bundle_uri, r.bundle_sha256, r.cutoff, r.lineage, l.variant
FROM nextpick.live AS l JOIN nextpick.releases AS r USING (release_id)
WHERE l.variant = %(variant)s;

-- name: get
-- One release, live or not.
SELECT release_id, model_version, bundle_uri, bundle_sha256, cutoff, lineage, %(variant)s::text AS variant
FROM nextpick.releases WHERE release_id = %(release_id)s;

-- name: lock
-- One publish at a time in this database: whether it is this session's turn now. Does not wait.
SELECT pg_try_advisory_lock(%(key)s);

-- name: unlock
-- Frees the publish lock; a lost connection frees it too.
SELECT pg_advisory_unlock(%(key)s);

-- name: lock_holder
-- Who holds the publish lock: process id and since when its session exists.
SELECT a.pid, a.backend_start, a.application_name
FROM pg_locks AS k JOIN pg_stat_activity AS a USING (pid)
WHERE k.locktype = 'advisory' AND k.granted
  AND (k.classid::bigint << 32 | k.objid::bigint) = %(key)s AND k.database = (
      SELECT oid FROM pg_database WHERE datname = current_database());

-- name: follow
-- What the service asks every second: the variant's release, if any, the items nobody may be shown, and of the
-- challenger, if any, its release, share, whether it is in the shadow, and its salt. One row.
SELECT (SELECT release_id FROM nextpick.live WHERE variant = %(variant)s),
       coalesce((SELECT array_agg(item_id) FROM nextpick.items WHERE hidden), '{}'),
       c.release_id, c.share::float8, c.shadow, c.salt
FROM (SELECT) AS one LEFT JOIN nextpick.live AS c ON c.variant = %(challenger)s;

-- name: listen
-- From now on the session is told of flips, and of items that are hidden or shown.
LISTEN nextpick_live;

-- name: measure
-- How many users a release has lists of, and their bytes with the items and all indexes; 0 where it does not tell.
SELECT coalesce(users, 0), coalesce(bytes, 0) FROM nextpick.releases WHERE release_id = %(release_id)s;
