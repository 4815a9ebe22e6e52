#include "workers/migrate.h"

#include "proto/base/die.h"
#include "proto/base/log.h"
#include "workers/password_hash.h"

#include <stdio.h>

enum { PASSWORD_LENGTH = 16 };

static void make_password(char out[PASSWORD_LENGTH + 1])
{
    static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789"; /* none looks like another */
    enum { LETTERS = sizeof letters - 1, FAIR = 256 - 256 % LETTERS };
    for (size_t i = 0; i < PASSWORD_LENGTH;) {
        uint8_t byte;
        random_bytes(&byte, 1);
        if (byte < FAIR)
            out[i++] = letters[byte % LETTERS];
    }
    out[PASSWORD_LENGTH] = '\0';
}

static bool give_password(struct db *db, int64_t user_id, struct str account,
                          struct migrate_cost cost, struct buf *out_accounts, struct buf *out_error)
{
    char password[PASSWORD_LENGTH + 1], hash[PASSWORD_HASH_SIZE];
    make_password(password);
    if (!password_hash_make(str_from(password), cost.opslimit, cost.memlimit, hash)) {
        buf_printf(out_error, "no memory to hash a password");
        return false;
    }
    if (db_query(db, "UPDATE user SET password = ? WHERE id = ?",
                 DB_PARAMS(P_TEXT(str_from(hash)), P_INT(user_id)), NULL))
        return migrate_refuse(db, out_error, "samples");
    buf_printf(out_accounts, "%.*s\t%s\n", STR_ARG(account), password);
    return true;
}

static bool fill(struct db *db, struct str sql, struct migrate_cost cost, struct buf *out_accounts,
                 struct buf *out_error)
{
    struct db_rows rows;
    size_t statement;
    if (db_script(db, sql, &statement)) {
        buf_printf(out_error, "samples.sql: statement %zu: %s", statement, db_last_error(db));
        return false;
    }
    if (db_query(db, "SELECT id, email FROM user WHERE password = '?' ORDER BY id", DB_NO_PARAMS,
                 &rows))
        return migrate_refuse(db, out_error, "samples");
    for (size_t i = 0; i < rows.count; i++)
        if (!give_password(db, db_at(&rows, i, 0)->number, db_at(&rows, i, 1)->text, cost,
                           out_accounts, out_error))
            return false;
    return true;
}

bool migrate_samples(struct db *db, const char *directory, struct migrate_cost cost,
                     struct buf *out_accounts, struct buf *out_error)
{
    struct db_rows rows;
    struct str sql;
    struct buf accounts = {0};
    if (!migrate_read_file(directory, "samples.sql", db_arena(db), &sql, out_error))
        return false;
    if (db_query(db, "SELECT id FROM user LIMIT 1", DB_NO_PARAMS, &rows))
        return migrate_refuse(db, out_error, "samples");
    if (rows.count) {
        log_info("samples_skipped", L_TEXT("because", "there are accounts already"));
        return true;
    }
    bool done = !db_begin(db) || migrate_refuse(db, out_error, "samples");
    done = done && fill(db, sql, cost, &accounts, out_error) &&
           (!db_commit(db) || migrate_refuse(db, out_error, "samples"));
    if (done) {
        buf_add_str(out_accounts, buf_str(&accounts));
        log_info("samples_loaded");
    } else {
        db_rollback(db);
    }
    buf_free(&accounts);
    return done;
}
