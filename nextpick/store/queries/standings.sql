-- name: newest
-- The newest %(n)s releases with what there is to them, newest first, and the live one however old; one alone where
-- %(release_id)s names it. The last column: whether it was ever live; from before there was a log, nobody knows.
SELECT r.release_id, r.status, l.release_id IS NOT NULL, r.model_version, r.bundle_uri, r.bundle_sha256, r.cutoff,
       r.created_at, r.users, r.bytes, r.reasons, coalesce(j.who || ': ' || j.reason, ''),
       (r.diff ->> 'overlap')::float8,
       EXISTS (
           SELECT FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
           WHERE i.inhparent = 'nextpick.lists'::regclass AND c.relname = 'lists_' || r.release_id),
       r.run_id,
       r.run_id = '' OR EXISTS (
           SELECT FROM nextpick.release_log AS g
           WHERE g.to_release = r.release_id AND g.action IN ('publish', 'force', 'rollback'))
FROM nextpick.releases AS r
LEFT JOIN nextpick.live AS l ON l.release_id = r.release_id AND l.variant = %(variant)s
LEFT JOIN nextpick.rejections AS j USING (bundle_sha256)
WHERE CASE WHEN %(release_id)s::bigint IS NULL
           THEN l.release_id IS NOT NULL
                OR r.release_id IN (SELECT release_id FROM nextpick.releases ORDER BY release_id DESC LIMIT %(n)s)
           ELSE r.release_id = %(release_id)s::bigint END
ORDER BY r.release_id DESC;

-- name: hold
-- Keep a release from being dropped or flipped by others until this transaction ends.
SELECT FROM nextpick.releases WHERE release_id = %(release_id)s FOR NO KEY UPDATE;

-- name: hold_live
-- The live release, which nobody else changes until this transaction ends, or no row.
SELECT release_id FROM nextpick.live WHERE variant = %(variant)s FOR UPDATE;

-- name: reject
-- The release was live and was gone back from.
UPDATE nextpick.releases SET status = 'rejected', reasons = ARRAY[%(reason)s] WHERE release_id = %(release_id)s;

-- name: accept
-- The release is whole, and what stood against it was overruled.
UPDATE nextpick.releases SET status = 'ready', reasons = '{}' WHERE release_id = %(release_id)s;
