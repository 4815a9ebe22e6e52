# shellcheck shell=bash
# The private MariaDB and Redis: unix sockets only, durable, small.

# The site's MariaDB account and database; its password is made once and never leaves DIR.
DATABASE=vote
DATABASE_USER=vote

# services_secret NAME: DIR/NAME, made once; whole or not there.
services_secret() {
    [[ ! -s $DIR/$1 ]] || return 0
    (umask 077 && head -c 24 /dev/urandom | od -An -vtx1 | tr -d ' \n' >"$DIR/$1.new")
    mv -- "$DIR/$1.new" "$DIR/$1"
}

# services_write: configuration files and account of this place. The account is set anew by
# MariaDB itself at each start (init_file), so its rights are always those of account.sql.
services_write() {
    sed -e "s/@PASSWORD@/$(<"$DIR/password")/; s/@DATABASE@/$DATABASE/" \
        "$ROOT/launcher/account.sql" >"$DIR/account.sql"
    cat >"$DIR/mariadb.cnf" <<TEXT
[mariadbd]
user=$(id -un)
datadir="$DIR/mariadb"
tmpdir="$DIR/tmp"
socket=$RUN/mariadb.sock
pid-file=$RUN/mariadb.pid
init-file="$DIR/account.sql"
skip-networking
skip-name-resolve
skip-log-bin
local-infile=0
character-set-server=utf8mb4
innodb_flush_log_at_trx_commit=1
innodb_doublewrite=1
innodb_log_file_size=48M
innodb_buffer_pool_size=64M
aria_pagecache_buffer_size=8M
key_buffer_size=1M
performance_schema=0
max_connections=200
TEXT
    cat >"$DIR/redis.conf" <<TEXT
port 0
unixsocket "$RUN/redis.sock"
unixsocketperm 700
dir "$DIR/redis"
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory 256mb
maxmemory-policy noeviction
TEXT
}

# services_create: empty data directories, once. MariaDB's is renamed into place when it is whole.
services_create() {
    mkdir -p -- "$DIR/redis"
    [[ ! -d $DIR/mariadb ]] || return 0
    rm -rf -- "$DIR/mariadb.new"
    # From inside DIR: the script does not quote its arguments.
    if ! (cd -- "$DIR" && mariadb-install-db --no-defaults --datadir=./mariadb.new \
        --auth-root-authentication-method=socket --auth-root-socket-user="$(id -un)" \
        --skip-test-db --skip-name-resolve --innodb-log-file-size=48M) \
        >"$DIR/log/mariadb-install.log" 2>&1; then
        fail "MariaDB's data directory could not be made: $(tail -n 1 "$DIR/log/mariadb-install.log")"
    fi
    mv -- "$DIR/mariadb.new" "$DIR/mariadb"
}

mariadb_answers() {
    MYSQL_PWD=$(<"$DIR/password") mariadb --no-defaults --socket="$RUN/mariadb.sock" \
        --user="$DATABASE_USER" --execute 'DO 1' >/dev/null 2>&1
}

redis_answers() {
    [[ $(redis-cli -s "$RUN/redis.sock" ping 2>/dev/null) == PONG ]]
}
