"""Postgres: SQL in .sql files, one module a table family; the caller owns connection and transaction."""
