-- name: read
-- The revision a database is at.
SELECT version_num FROM nextpick.alembic_version;
