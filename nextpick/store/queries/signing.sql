-- name: secret
-- The key of cursors.
SELECT secret FROM nextpick.signing;
