/* migrate: bring a database to the schema of a directory of numbered SQL files, forward only.
 *
 * What was applied stands in the table schema_version. Several may run at once: one works, the
 * others wait for it. Blocks for as long as the database works. */
#ifndef VOTE_WORKERS_MIGRATE_H
#define VOTE_WORKERS_MIGRATE_H

#include "proto/base/buf.h"
#include "workers/db_conn.h"

/* migrate_connect: a connection for migrations (no statement timeout) to the database of these
 * settings, which is created if missing, holding the lock that others wait for. NULL, and one line
 * (no line break) in out_error, if that fails. settings must outlive it; db_close ends both. */
struct db *migrate_connect(struct db_settings *settings, struct buf *out_error);

/* migrate_apply: apply the files NNN_name.sql of the directory that are not applied yet, ascending.
 * Nothing is done if one that was applied is changed or missing, if two have one number, or if a
 * new one has a number below one that was applied. False, with a line in out_error: what failed,
 * and which statement of which file; the files before it stay applied. */
bool migrate_apply(struct db *db, const char *directory, struct buf *out_error);

/* migrate_samples: load samples.sql of the directory, unless there are accounts already, in one
 * transaction. Accounts in it with the password '?' get a random one: appended to out_accounts, a
 * line "account<TAB>password" each, after COMMIT. cost: of hashing it (workers/password_hash.h). */
struct migrate_cost {
    uint64_t opslimit;
    size_t memlimit;
};
bool migrate_samples(struct db *db, const char *directory, struct migrate_cost cost,
                     struct buf *out_accounts, struct buf *out_error);

/* For the two files of this module. migrate_refuse: "what: the database's words"; false.
 * migrate_read_file: all of a file, in the arena. */
bool migrate_refuse(struct db *db, struct buf *out_error, const char *what);
bool migrate_read_file(const char *directory, const char *name, struct arena *arena,
                       struct str *out, struct buf *out_error);

#endif
