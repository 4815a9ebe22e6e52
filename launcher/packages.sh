# shellcheck shell=bash
# The one list of Debian packages, and how they come onto the machine.

# Without a service of their own (mariadb-server-core, not mariadb-server) where Debian has it so.
PACKAGES_BUILD=(
    gcc libc6-dev cmake ninja-build pkg-config
    libevent-dev libzmq3-dev libmariadb-dev libhiredis-dev libjansson-dev libsodium-dev libcyaml-dev libyaml-dev
    zlib1g-dev brotli gzip libjs-bootstrap5
)
PACKAGES_RUN=(
    mariadb-server-core mariadb-client-core redis-server supervisor curl
)
PACKAGES_NGINX=(nginx)
PACKAGES_TEST=(
    git clang clang-format shellcheck gcovr
    python3-pytest python3-zmq python3-redis python3-pymysql python3-jinja2
    python3-aiohttp python3-aiohttp-session python3-selenium
    chromium chromium-driver fonts-noto-cjk strace nginx slowhttptest
    dpkg-dev file systemd openssl prometheus
)

# mariadb-dump.
PACKAGES_BACKUP=(mariadb-client)

# What ./vote bench needs, and the peers it measures when they are there.
PACKAGES_BENCH=(wrk python3-redis python3-pymysql)
PACKAGES_PEERS=(
    nginx python3-aiohttp python3-aiohttp-session python3-aiomysql python3-jinja2
    golang-go golang-github-go-sql-driver-mysql-dev golang-github-gomodule-redigo-dev gnuplot-nox
)

# Debian's npm, unless Node.js brought one along.
command -v npm >/dev/null || PACKAGES_TEST+=(npm)

# packages_missing NAME...: prints those not installed, one a line.
packages_missing() {
    local installed name
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
    for name in "$@"; do
        grep -qx "installed $name" <<<"$installed" || printf '%s\n' "$name"
    done
}

# Where maintainer scripts ask whether they may start a service (invoke-rc.d(8)).
PACKAGES_POLICY=/usr/sbin/policy-rc.d

# packages_install NAME...: without starting the services that some bring along; ours are private.
packages_install() (
    if [[ ! -e $PACKAGES_POLICY ]]; then
        trap 'rm -f "$PACKAGES_POLICY"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$PACKAGES_POLICY"
        chmod 755 "$PACKAGES_POLICY"
    fi
    apt-get update -q &&
        DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
)

# packages_ensure NAME...: installs what is missing when we are root; else says the line that would.
packages_ensure() {
    local missing log
    mapfile -t missing < <(packages_missing "$@")
    ((${#missing[@]} == 0)) && return 0
    if ((EUID != 0)); then
        fail "packages are missing: apt-get install --no-install-recommends ${missing[*]}"
    fi
    say "installing ${missing[*]}"
    log=$(mktemp)
    if ! packages_install "${missing[@]}" </dev/null >"$log" 2>&1; then
        local why
        why=$(grep -m1 '^E: ' "$log" || tail -n 1 "$log")
        rm -f "$log"
        fail "apt-get could not install ${missing[*]}: $why"
    fi
    rm -f "$log"
}
