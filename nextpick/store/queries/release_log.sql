-- name: add
-- One more entry; none is ever changed.
INSERT INTO nextpick.release_log (who, action, variant, from_release, to_release, reason)
VALUES (%(who)s, %(action)s, %(variant)s, %(from_release)s, %(to_release)s, %(reason)s);

-- name: newest
-- The newest %(n)s entries, newest first.
SELECT at, who, action, from_release, to_release, reason
FROM nextpick.release_log ORDER BY entry_id DESC LIMIT %(n)s;
