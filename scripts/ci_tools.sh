#!/bin/sh
# Installs the Debian tools that some tests drive: a browser, Prometheus, Alertmanager, a load generator. Starts no service.
set -eu

missing=""
for tool in chromium prometheus prometheus-alertmanager wrk; do  # Debian's package of each bears the same name
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "make ci-tools: missing:$missing. This machine has no apt-get; install them with its own package manager." >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "make ci-tools: missing:$missing. Installing them needs root: sudo make ci-tools" >&2
    exit 1
fi

policy=/usr/sbin/policy-rc.d  # Debian asks it before a package starts its service; 101 is no
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of names
apt-get install -y -qq --no-install-recommends $missing
