#!/bin/sh
# Writes the passwords that docker-compose.yaml wants into .env, each generated; what stands there already stays.
# One of your own becomes part of a URL: letters, digits, - and _ only.
set -eu
cd "$(dirname "$0")/.."
umask 077
touch .env
[ -z "$(tail -c 1 .env)" ] || echo >>.env  # a last line without an end

add() {  # name, value; an empty one there is as good as none, and the last line counts
    [ -n "$2" ] || { echo "scripts/env.sh: no value could be made for $1; nothing was written for it." >&2; exit 1; }
    grep -Eq "^(export +)?$1=[\"']?[^\"']" .env || printf '%s=%s\n' "$1" "$2" >>.env
}

hex() {  # bytes
    head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

for name in POSTGRES_PASSWORD DB_PASSWORD_NEXTPICK DB_PASSWORD_AIRFLOW DB_PASSWORD_MLFLOW \
    AIRFLOW_ADMIN_PASSWORD AIRFLOW_VIEWER_PASSWORD GRAFANA_ADMIN_PASSWORD; do
    add "$name" "$(hex 18)"
done
add AIRFLOW_FERNET_KEY "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_')"
add AIRFLOW_JWT_SECRET "$(hex 48)"
add AIRFLOW_SECRET_KEY "$(hex 48)"
grep -q '^NEXTPICK_SLACK_WEBHOOK_URL=' .env || echo 'NEXTPICK_SLACK_WEBHOOK_URL=' >>.env  # yours, for alerts in Slack
chmod 600 .env
