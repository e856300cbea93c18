#!/usr/bin/env bash
# Builds the images and runs the API's, on a machine that has no container engine and reaches no registry:
#   scripts/image_check.sh            the API's image: size, live, ready, answers, read-only, no root
#   scripts/image_check.sh airflow    Airflow's image, too: DAGs parse in it, `nextpick` runs
# It needs root and Debian's buildah, podman, runc, netavark, aardvark-dns, iptables and debootstrap. In place of Docker
# Hub's base image, and under its name, stands one of Debian's packages with Debian's Python 3.11; everything else is as
# anywhere. It changes no settings of the machine, and leaves its images in WORK (some GB) for the next check.
set -euo pipefail
cd "$(dirname "$0")/.."
WORK="${WORK:-/var/tmp/nextpick-images}"
BASE="docker.io/library/$(awk '$1 == "FROM" && $2 ~ /^python:/ {print $2}' Dockerfile | cut -d@ -f1)"
SCRATCH="$(mktemp -d)"
chmod 755 "$SCRATCH"  # Postgres and the API are not root
port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
names=()

say() { printf '%s\n' "$*"; }

fail() {
    say "image_check: $*" >&2
    exit 1
}

cleanup() {
    for name in "${names[@]}"; do podman rm --force --time 5 "$name" >/dev/null 2>&1 || true; done
    [ -z "${database:-}" ] || kill "$database" 2>/dev/null || true
    rm -rf "$SCRATCH"
}
trap cleanup EXIT

configure() {
    [ "$(id -u)" -eq 0 ] || fail "needs root"
    for tool in buildah podman runc debootstrap; do
        command -v "$tool" >/dev/null || fail "needs $tool: apt-get install buildah podman runc netavark aardvark-dns iptables debootstrap"
    done
    mkdir -p "$WORK"
    printf '[storage]\ndriver = "vfs"\ngraphroot = "%s/graph"\nrunroot = "%s/run"\n' "$WORK" "$WORK" >"$WORK/storage.conf"
    cat >"$WORK/containers.conf" <<'CONF'
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
cgroupns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
    printf '{"default": [{"type": "insecureAcceptAnything"}]}\n' >"$WORK/policy.json"
    export CONTAINERS_STORAGE_CONF="$WORK/storage.conf" CONTAINERS_CONF="$WORK/containers.conf"
}

make_base() {
    ! buildah inspect --type image "$BASE" >/dev/null 2>&1 || return 0
    say "Making a stand-in for $BASE"
    debootstrap --variant=minbase --include=ca-certificates,netbase,tzdata,python3,python3-venv \
        bookworm "$SCRATCH/root" http://deb.debian.org/debian >"$WORK/debootstrap.log" || fail "see $WORK/debootstrap.log"
    ln -s /usr/bin/python3 "$SCRATCH/root/usr/local/bin/python"
    rm -rf "$SCRATCH/root/var/cache/apt/"* "$SCRATCH/root/var/lib/apt/lists/"* "$SCRATCH/root/usr/share/"{doc,man,locale}/*
    local container
    container="$(buildah from scratch)"
    tar -C "$SCRATCH/root" -cf "$SCRATCH/root.tar" .
    buildah add --quiet "$container" "$SCRATCH/root.tar" / >/dev/null
    buildah config --env PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin "$container"
    buildah commit --quiet --rm "$container" "$BASE" >/dev/null
}

build() {  # target, name
    say "Building $2"
    local began=$SECONDS
    buildah bud --quiet --isolation chroot --pull-never --network host --layers=false --format docker \
        --volume /etc/ssl/certs:/etc/ssl/certs:ro --signature-policy "$WORK/policy.json" \
        --build-arg "GIT_SHA=$(git rev-parse HEAD)" \
        --target "$1" --tag "$2" . >"$WORK/$1.log" 2>&1 || { tail -20 "$WORK/$1.log" >&2; fail "the build of $2 failed: $WORK/$1.log"; }
    say "  $((SECONDS - began)) s; $(megabytes "$2"), of which the stand-in base is $(megabytes "$BASE")"
}

megabytes() { buildah images --json "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["size"])'; }

run() {  # name, image, more...
    podman rm --force --time 5 "$1" >/dev/null 2>&1 || true  # what a killed check left
    names+=("$1")
    podman run --detach --network host --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
        --name "$@" >/dev/null
}

await() {  # path, status, seconds
    local end=$((SECONDS + $3)) status
    while :; do
        status="$(curl -s -o "$SCRATCH/body" -w '%{http_code}' "http://127.0.0.1:$port$1" || true)"
        [ "$status" != "$2" ] || return 0
        [ $SECONDS -lt $end ] || fail "$1 answers $status, not $2, after $3 s: $(cat "$SCRATCH/body")"
        sleep 0.2
    done
}

without_database() {
    say "Without a database"
    local began=$SECONDS
    run np-alone --env "NEXTPICK_API_PORT=$port" nextpick
    await /health/live 200 60
    say "  live after $((SECONDS - began)) s"
    await /health/ready 503 5
    grep -q 'NEXTPICK_DATABASE_URL is not set' "$SCRATCH/body" || fail "it does not say why: $(cat "$SCRATCH/body")"
    say "  $(cat "$SCRATCH/body")"
    say "  uid $(podman exec np-alone id -u); writing to / is refused: $(podman exec np-alone sh -c 'touch /x 2>&1' || true)"
    podman exec np-alone python healthy.py "http://127.0.0.1:$port/health/live" || fail "the health check fails"
    podman stop --time 30 np-alone >/dev/null
    say "  SIGTERM: exit code $(podman inspect --format '{{.State.ExitCode}}' np-alone)"
}

with_database() {
    say "With a Postgres of its own"
    .venv/bin/python -m tests.shipping.shop "$SCRATCH/shop" >"$SCRATCH/shop.log" 2>&1 &
    database=$!
    for _ in $(seq 1200); do [ ! -e "$SCRATCH/shop/url" ] || break; kill -0 "$database" || fail "no shop: $(tail -3 "$SCRATCH/shop.log")"; sleep 0.5; done
    local url began
    url="$(cat "$SCRATCH/shop/url")"
    podman run --rm --network host --read-only --tmpfs /tmp --env "NEXTPICK_DATABASE_URL=$url" nextpick nextpick migrate
    began=$SECONDS
    run np-served --env "NEXTPICK_API_PORT=$port" --env "NEXTPICK_DATABASE_URL=$url" \
        --volume "$SCRATCH/shop/bundle:$SCRATCH/shop/bundle:ro" nextpick
    await /health/ready 503 60
    say "  $(cat "$SCRATCH/body")"
    touch "$SCRATCH/shop/publish"
    await /health/ready 200 300
    say "  ready $((SECONDS - began)) s after its start, the publish of a release included: $(cat "$SCRATCH/body")"
    local key
    key="$(podman exec np-served nextpick keys add check --scope serve 2>/dev/null)"
    sleep 2
    say "  without a key: $(ask)"
    say "  with one: $(ask --header "X-API-Key: $key")"
    podman restart --time 30 np-served >/dev/null
    began=$SECONDS
    await /health/ready 200 120
    say "  started again: ready after $((SECONDS - began)) s"
    say "  memory: $(awk '/^Rss/ {print int($2 / 1024) " MB"}' "/proc/$(podman inspect --format '{{.State.Pid}}' np-served)/smaps_rollup")"
}

ask() {
    curl -s -o "$SCRATCH/body" -w '%{http_code} ' "http://127.0.0.1:$port/recommend" --header 'Content-Type: application/json' \
        --data '{"user_id": "tea03", "top_k": 3}' "$@"
    head -c 300 "$SCRATCH/body"
}

airflow_image() {
    build airflow nextpick-airflow
    say "In it, as uid $(podman run --rm nextpick-airflow id -u):"
    podman run --rm --tmpfs /tmp --env AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite:////tmp/airflow.db nextpick-airflow \
        sh -c 'airflow db migrate >/dev/null 2>&1; airflow dags list --local --output plain; airflow dags list-import-errors --local' \
        2>/dev/null | awk '/\.py/ {print "  " $1} /No data found/ {print "  no import errors"}'
}

configure
make_base
build serving nextpick
without_database
with_database
[ "${1:-}" != airflow ] || airflow_image
say "All is well"
