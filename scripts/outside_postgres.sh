#!/bin/sh
# The loop by the command line against a Postgres that is not ours: scripts/outside_postgres.sh SUPERUSER_URL
# It makes a role and a database there, both named nextpick_check, and removes them.
set -eu
cd "$(dirname "$0")/.."
url="${1:?the URL of a superuser, postgresql://user:password@host:port/postgres}"
python="$PWD/.venv/bin/python"
work="$(mktemp -d)"

sql() {
    "$python" -c 'import sys, psycopg; [psycopg.connect(sys.argv[1], autocommit=True).execute(s) for s in sys.argv[2:]]' "$url" "$@"
}

forget() {
    sql "DROP DATABASE IF EXISTS nextpick_check WITH (FORCE)" "DROP ROLE IF EXISTS nextpick_check" || true
    rm -rf "$work"
}
trap forget EXIT

nextpick() {
    echo "== nextpick $*"
    "$python" -m nextpick "$@"
}

# A role that may do nothing but own its database.
sql "CREATE ROLE nextpick_check LOGIN PASSWORD 'check'" "CREATE DATABASE nextpick_check OWNER nextpick_check"
NEXTPICK_DATABASE_URL="$("$python" -c 'import sys; from urllib.parse import urlsplit as s; u = s(sys.argv[1]); print(f"postgresql://nextpick_check:check@{u.hostname}:{u.port or 5432}/nextpick_check")' "$url")"
export NEXTPICK_DATABASE_URL NEXTPICK_HOME="$work" NEXTPICK_MLFLOW_URL="sqlite:///$work/mlflow.db"
nextpick migrate
nextpick migrate
nextpick load --sample
nextpick train
nextpick publish
nextpick recommend 17850
nextpick status
key="$(nextpick keys add check --scope serve | tail -1)"
test -n "$key"
