-- name: add
-- A new key; no row where one of this name is in use.
INSERT INTO nextpick.api_keys (key_id, name, sha256, scopes, per_second, made_by)
VALUES (%(key_id)s, %(name)s, %(sha256)s, %(scopes)s, %(per_second)s, %(made_by)s)
ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
RETURNING key_id;

-- name: revoke
-- The key of this name opens nothing any more. Returns its id, or no row where none of this name is in use.
UPDATE nextpick.api_keys SET revoked_at = now() WHERE name = %(name)s AND revoked_at IS NULL RETURNING key_id;

-- name: every
-- Every key there is or was, those in use first, by name.
SELECT key_id, name, scopes, per_second, made_by, made_at, revoked_at
FROM nextpick.api_keys ORDER BY revoked_at IS NOT NULL, name, made_at;

-- name: in_use
-- All keys that open something, in one row, as the service reads them every second.
SELECT coalesce(jsonb_agg(jsonb_build_array(key_id, name, encode(sha256, 'hex'), scopes, per_second)), '[]')
FROM nextpick.api_keys WHERE revoked_at IS NULL;
