#!/bin/sh
# Writes the passwords that docker-compose.yaml wants into .env, each generated; what stands there already stays.
set -eu
cd "$(dirname "$0")/.."
umask 077
touch .env

add() {  # name, value
    grep -Eq "^$1=" .env || printf '%s=%s\n' "$1" "$2" >>.env
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
add NEXTPICK_SLACK_WEBHOOK_URL ""  # yours, if alerts shall go to Slack
chmod 600 .env
