-- name: begin
-- A new release in the making: nobody reads it before it is live. Returns its id.
INSERT INTO nextpick.releases (model_version, bundle_uri, bundle_sha256, cutoff, lineage, run_id, created_at, hidden_rows)
VALUES (
    %(model_version)s, %(bundle_uri)s, %(bundle_sha256)s, %(cutoff)s, %(lineage)s, %(run_id)s, %(known)s,
    %(hidden_rows)s::integer[])
RETURNING release_id;

-- name: half_built
-- Releases in the making, and for how many seconds their builders have finished no step.
SELECT release_id, run_id, bundle_uri, bundle_sha256, cutoff, created_at, status,
       extract(epoch FROM clock_timestamp() - touched_at)::float8
FROM nextpick.releases WHERE status = 'building' ORDER BY release_id;

-- name: hold
-- A release, held until the transaction ends: nobody gives it up meanwhile.
SELECT release_id, run_id, bundle_uri, bundle_sha256, cutoff, created_at, status,
       extract(epoch FROM clock_timestamp() - touched_at)::float8
FROM nextpick.releases WHERE release_id = %(release_id)s FOR KEY SHARE;

-- name: seize
-- A release that nobody holds; fails at once where somebody does.
SELECT FROM nextpick.releases WHERE release_id = %(release_id)s FOR UPDATE NOWAIT;

-- name: hidden_rows
-- The items that no list of the release may have.
SELECT hidden_rows FROM nextpick.releases WHERE release_id = %(release_id)s;

-- name: adopt
-- Another run goes on with it.
UPDATE nextpick.releases SET run_id = %(run_id)s, touched_at = clock_timestamp() WHERE release_id = %(release_id)s;

-- name: touch
-- A step is done.
UPDATE nextpick.releases SET touched_at = clock_timestamp() WHERE release_id = %(release_id)s;

-- name: mark_ready
-- The release is whole: it may be made live.
UPDATE nextpick.releases
SET status = 'ready', users = %(users)s, items = %(items)s, bytes = %(bytes)s, ready_at = now(), touched_at = now()
WHERE release_id = %(release_id)s AND status = 'building';

-- name: give_up
-- A half-built release is gone from the database; its row stays, for lineage.
UPDATE nextpick.releases SET status = 'dropped' WHERE release_id = %(release_id)s AND status = 'building';
