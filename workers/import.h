/* import: take over a database of the older schema: user, question and choice with the same
 * columns, but passwords as plain text, and tallies without votes behind them.
 *
 * Ids stay, so that log-ins kept in Redis go on. A password becomes its Argon2id hash. A tally goes
 * to choice.imported_votes and is never counted in. Times there are local, here UTC. All of it is
 * one transaction: a database is taken over whole or not at all. Blocks for as long as it takes;
 * most of that is hashing. */
#ifndef VOTE_WORKERS_IMPORT_H
#define VOTE_WORKERS_IMPORT_H

#include "proto/base/buf.h"
#include "workers/db_conn.h"

struct import_settings {
    const char *source;         /* the other database, on the same server */
    int64_t utc_offset_minutes; /* of its times, east of UTC */
    uint64_t opslimit;          /* of the hashes (workers/password_hash.h) */
    size_t memlimit;            /* bytes */
};

struct import_counts {
    int64_t users, questions, choices;
    int64_t votes; /* of all tallies together */
    bool before;   /* this very database was taken over before; nothing was done */
};

/* import_run: into the database that db has chosen, which has the newest schema and no account
 * (migrate_connect, migrate_apply). False, with what is wrong in out_error and nothing changed: a
 * line each, as many as there are up to a limit, naming rows by their ids alone. */
bool import_run(struct db *db, const struct import_settings *settings,
                struct import_counts *out_counts, struct buf *out_error);

#endif
