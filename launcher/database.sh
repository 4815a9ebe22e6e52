# shellcheck shell=bash
# ./vote backup, restore, import: the database of a place that is up, as a file and back.

# Databases that a command makes beside the site's, and its account for reading foreign files.
INCOMING=vote_incoming
OUTGOING=vote_outgoing
LOADER=vote_loader

# database_place COMMAND ARGUMENT...: FILE and the options --dir and --replace, of a site that is up.
database_place() {
    local command=$1
    shift
    DATABASE_FILE='' DATABASE_REPLACE=''
    while (($#)); do
        asks_for_help "$1"
        case $1 in
        --dir)
            want_value "$1" $#
            place_set "$2"
            shift
            ;;
        --replace)
            [[ $command == restore ]] || fail "$command does not know '$1'; see ./vote --help"
            DATABASE_REPLACE=yes
            ;;
        -*) fail "$command does not know '$1'; see ./vote --help" ;;
        *)
            [[ -z $DATABASE_FILE ]] || fail "$command takes one FILE"
            DATABASE_FILE=$1
            ;;
        esac
        shift
    done
    [[ -n $DATABASE_FILE ]] || fail "$command needs a FILE; see ./vote --help"
    if ! place_find || supervisor_gone; then
        fail "the site is not up; ./vote up first"
    fi
    lock PLACE_LOCK "$DIR/.lock" 300
    mariadb_answers || fail "MariaDB does not answer; see ./vote status"
    umask 077
    WORK=$(mktemp -d "$DIR/tmp/database.XXXXXX")
    trap 'rm -rf -- "$WORK"' EXIT
}

# database_readable FILE: a file that can be read more than once.
database_readable() {
    [[ -f $1 && -r $1 ]] || fail "$1 is no file that can be read"
}

# database_root ARGUMENT...: the client as the private MariaDB's own root, let in by the socket.
database_root() {
    mariadb --no-defaults --socket="$RUN/mariadb.sock" --user=root --batch --skip-column-names "$@"
}

database_drop_incoming() {
    database_root --execute "DROP DATABASE IF EXISTS $INCOMING; DROP USER IF EXISTS '$LOADER'@'localhost'"
}

# database_errors TEXT: TEXT, with the first complaint of a program, as one line.
database_errors() {
    local error
    error=$({ grep -a -m 1 ^ERROR "$WORK/errors" || head -n 1 "$WORK/errors"; } | tr -d '\000-\037\177' | head -c 300)
    fail "$1: ${error:-it does not say why}"
}

# database_load FILE: a file of SQL, compressed or not, into a fresh INCOMING, dropped again on the way out.
# Whatever the file says, it reaches nothing else: the client runs none of its own commands (\!, source),
# and the account has rights there alone, and for tables alone, since we look at them as root: a view or
# a trigger would run as us.
database_load() {
    local password cat=cat
    password=$(head -c 24 /dev/urandom | od -An -vtx1 | tr -d ' \n')
    trap 'database_drop_incoming || true; rm -rf -- "$WORK"' EXIT
    database_drop_incoming
    database_root <<TEXT
CREATE DATABASE $INCOMING CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE USER '$LOADER'@'localhost' IDENTIFIED BY '$password';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, LOCK TABLES ON $INCOMING.* TO '$LOADER'@'localhost';
TEXT
    [[ $(head -c 2 -- "$1" | od -An -tx1) != ' 1f 8b' ]] || cat='gzip -dc'
    { $cat <"$1" | MYSQL_PWD=$password mariadb --no-defaults --sandbox --local-infile=0 --socket="$RUN/mariadb.sock" \
        --user="$LOADER" --default-character-set=utf8mb4 "$INCOMING"; } >/dev/null 2>"$WORK/errors" ||
        database_errors "$1 could not be loaded"
}

# database_programs: the pools and gateways, as supervisor names them.
database_programs() {
    { supervisor_ctl status || true; } | awk '$1 !~ /^(mariadb|redis|nginx):/ { print $1 }'
}

# ---- backup ------------------------------------------------------------------------------------

# A backup is a dump that any client can load, with a line of ours at its end for each table:
# `-- vote: rows TABLE COUNT`. The rows are counted in the dump itself, so they are of its snapshot.
database_count_rows() {
    awk '
        { print }
        /^INSERT INTO `/ { split($0, word, "`"); table = word[2]; rows[table] += 0 }
        /^CREATE TABLE `/ { split($0, word, "`"); rows[word[2]] += 0 }
        /^\(/ { rows[table]++ }
        /^INSERT INTO .* VALUES \(/ { rows[table]++ }
        /^-- Dump completed/ { whole = 1 }
        END {
            if (!whole) exit 1
            for (table in rows) print "-- vote: rows", table, rows[table] | "sort"
            close("sort")
            print "-- vote: whole"
        }'
}

cmd_backup() {
    local part
    database_place backup "$@"
    packages_ensure "${PACKAGES_BACKUP[@]}"
    [[ ! -e $DATABASE_FILE ]] || fail "$DATABASE_FILE is there already; it stays"
    part=$(mktemp -- "$DATABASE_FILE.XXXXXX" 2>/dev/null) || fail "cannot write $DATABASE_FILE"
    # shellcheck disable=SC2064 # the name of now
    trap "rm -rf -- ${WORK@Q} ${part@Q}" EXIT
    { MYSQL_PWD=$(<"$DIR/password") mariadb-dump --no-defaults --socket="$RUN/mariadb.sock" \
        --user="$DATABASE_USER" --default-character-set=utf8mb4 --single-transaction --quick \
        --no-tablespaces --skip-add-locks --skip-disable-keys --hex-blob "$DATABASE" |
        database_count_rows | gzip >"$part" && sync -- "$part"; } 2>"$WORK/errors" ||
        database_errors 'the backup failed'
    mv -n -- "$part" "$DATABASE_FILE"
    [[ ! -e $part ]] || fail "$DATABASE_FILE is there already; it stays"
    say "backup in $DATABASE_FILE: $(gzip -dc -- "$DATABASE_FILE" | database_summary)"
    say 'log-ins (in Redis) are no part of it'
}

# database_summary: of a backup on standard input: "12 user, 7 question, …".
database_summary() {
    awk '/^-- vote: rows / { printf "%s%s %s", sep, $5, $4; sep = ", " } END { print "" }'
}

# ---- restore -----------------------------------------------------------------------------------

# database_number QUERY: the number that QUERY finds in INCOMING, or one clear line.
database_number() {
    database_root --execute "$1" "$INCOMING" 2>"$WORK/errors" ||
        database_errors "$DATABASE_FILE is no backup of this site"
}

# database_compare: the tables of INCOMING hold what the backup says, and every tally is backed.
database_compare() {
    local dash vote rows table count actual
    # shellcheck disable=SC2034 # words of the line
    while read -r dash vote rows table count; do
        [[ $table =~ ^[a-z_]+$ ]] || fail "$DATABASE_FILE names no table of ours: $table"
        actual=$(database_number "SELECT COUNT(*) FROM \`$table\`") || exit 1
        [[ $actual == "$count" ]] ||
            fail "$DATABASE_FILE: $table has $actual rows, the backup had $count"
    done < <(gzip -dc -- "$DATABASE_FILE" | grep '^-- vote: rows ')
    actual=$(database_number 'SELECT COUNT(*) FROM choice c
        WHERE c.votes <> (SELECT COUNT(*) FROM vote v WHERE v.choice_id = c.id)') || exit 1
    ((actual == 0)) || fail "$DATABASE_FILE: $actual tallies are not the count of their votes"
}

# database_migrate: INCOMING to the schema of this version; refuses one of a later version.
database_migrate() {
    local errors
    errors=$(cd "$ROOT" && "$BIN/vote-migrate" "${SETTINGS[@]}" --set databases.default.user=root \
        --set databases.default.password_file= --set "databases.default.name=$INCOMING" \
        --sql "$ROOT/sql" 2>&1 >/dev/null) ||
        fail "$DATABASE_FILE is of another version: $(tail -n 1 <<<"$errors")"
}

# database_rename FROM TO: the words of RENAME TABLE for all tables of FROM.
database_rename() {
    database_root --execute "SELECT GROUP_CONCAT('$1.\`', table_name, '\` TO $2.\`', table_name, '\`')
        FROM information_schema.tables WHERE table_schema = '$1'"
}

# database_swap: INCOMING's tables in the place of ours, in one statement; ours go when it is done.
database_swap() {
    database_root --execute "DROP DATABASE IF EXISTS $OUTGOING; CREATE DATABASE $OUTGOING"
    database_root --execute "RENAME TABLE $(database_rename "$DATABASE" "$OUTGOING"), $(database_rename "$INCOMING" "$DATABASE")"
    database_root --execute "DROP DATABASE $OUTGOING"
}

cmd_restore() {
    local accounts
    database_place restore "$@"
    database_readable "$DATABASE_FILE"
    gzip -dc -- "$DATABASE_FILE" 2>/dev/null | tail -n 1 | grep -qx -- '-- vote: whole' ||
        fail "$DATABASE_FILE is no whole backup of ./vote backup"
    accounts=$(database_root --execute 'SELECT COUNT(*) FROM user' "$DATABASE") || exit 1
    [[ -n $DATABASE_REPLACE ]] || ((accounts == 0)) ||
        fail "the database holds $accounts accounts; --replace puts the backup in their place"
    settings_load
    database_load "$DATABASE_FILE"
    database_compare
    database_migrate
    mapfile -t programs < <(database_programs)
    say 'stopping the pools and the gateway'
    trap 'supervisor_ctl start "${programs[@]}" >/dev/null; database_drop_incoming || true
        rm -rf -- "$WORK"' EXIT
    supervisor_ctl stop "${programs[@]}" >/dev/null
    # A log-in names an account by its number, which will be another person's.
    redis-cli -s "$RUN/redis.sock" flushall >/dev/null
    database_swap
    supervisor_ctl start "${programs[@]}" >/dev/null
    if [[ -s $DIR/address ]]; then
        UP_URL=$(<"$DIR/address")
        supervisor_await gateway 60 up_is_ready
    fi
    say "restored $DATABASE_FILE: $(gzip -dc -- "$DATABASE_FILE" | database_summary)"
    say 'everybody has to log in again'
}

# ---- import ------------------------------------------------------------------------------------

cmd_import() {
    database_place import "$@"
    database_readable "$DATABASE_FILE"
    settings_load
    say "loading $DATABASE_FILE"
    database_load "$DATABASE_FILE"
    (cd "$ROOT" && "$BIN/vote-import" "${SETTINGS[@]}" --set databases.default.user=root \
        --set databases.default.password_file= --sql "$ROOT/sql" "$INCOMING" 2>"$WORK/errors") || {
        grep '^vote-import: ' "$WORK/errors" >&2
        fail 'nothing was imported'
    }
    say "$DATABASE_FILE holds passwords as plain text: remove it when you are done"
}
