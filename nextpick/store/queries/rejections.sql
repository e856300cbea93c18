-- name: add
-- A bundle that nothing but a person with a reason makes live again.
INSERT INTO nextpick.rejections (bundle_sha256, model_version, release_id, who, reason)
VALUES (%(bundle_sha256)s, %(model_version)s, %(release_id)s, %(who)s, %(reason)s)
ON CONFLICT (bundle_sha256) DO UPDATE SET
    release_id = excluded.release_id, who = excluded.who, reason = excluded.reason, rejected_at = now();

-- name: lift
-- The bundle is like any other again. Returns who rejected it and why, or no row.
DELETE FROM nextpick.rejections WHERE bundle_sha256 = %(bundle_sha256)s RETURNING who, reason;

-- name: all
-- Every rejected bundle and why, oldest first.
SELECT bundle_sha256, who || ': ' || reason FROM nextpick.rejections ORDER BY rejected_at, bundle_sha256;
