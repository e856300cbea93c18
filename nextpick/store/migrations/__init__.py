"""Alembic's folder: `versions/` holds one .sql file a revision, and the .py that names it."""
