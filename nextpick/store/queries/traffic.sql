-- name: live
-- What each variant's readers see: the default first.
SELECT l.variant, l.share::float8 AS share, l.shadow, l.flipped_at,
       r.release_id, r.model_version, r.bundle_sha256, r.cutoff, r.users, r.items, r.lineage, r.run_id
FROM nextpick.live AS l JOIN nextpick.releases AS r USING (release_id) ORDER BY l.variant <> 'default', l.variant;

-- name: read
-- The challenger as it is, or no row.
SELECT r.release_id, r.model_version, r.bundle_sha256, l.share::float8, l.shadow, l.salt, l.flipped_at
FROM nextpick.live AS l JOIN nextpick.releases AS r USING (release_id) WHERE l.variant = %(variant)s;

-- name: write
-- The challenger has a share of the users and the default the rest, all of them where the challenger is in the shadow;
-- who listens is told.
WITH challenger AS (
    INSERT INTO nextpick.live (variant, release_id, share, shadow, salt)
    VALUES (%(variant)s, %(release_id)s, %(share)s, %(shadow)s, %(salt)s)
    ON CONFLICT (variant) DO UPDATE SET release_id = excluded.release_id, share = excluded.share,
        shadow = excluded.shadow, salt = excluded.salt, flipped_at = now()
    RETURNING share, shadow, release_id
), rest AS (
    UPDATE nextpick.live AS l SET share = CASE WHEN c.shadow THEN 1 ELSE 1 - c.share END
    FROM challenger AS c WHERE l.variant = %(default)s
)
SELECT pg_notify('nextpick_live', release_id::text) FROM challenger;

-- name: end
-- The default has all users again; who listens is told.
WITH gone AS (DELETE FROM nextpick.live WHERE variant = %(variant)s RETURNING release_id),
     rest AS (UPDATE nextpick.live SET share = 1 WHERE variant = %(default)s)
SELECT pg_notify('nextpick_live', release_id::text) FROM gone;
