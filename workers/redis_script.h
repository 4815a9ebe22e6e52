/* redis_script: a Lua script that Redis runs as one step, with nothing in between. */
#ifndef VOTE_WORKERS_REDIS_SCRIPT_H
#define VOTE_WORKERS_REDIS_SCRIPT_H

#include "workers/redis_conn.h"

struct redis_script {
    const char *body;
    char sha[41]; /* its name in Redis; "": not loaded yet. One thread's own */
};

enum { REDIS_SCRIPT_KEYS = 8 };

/* redis_script_run: run it with `key_count` keys and, behind them, arguments: `count` words in all,
 * at most REDIS_SCRIPT_KEYS + 4. It goes by its name (EVALSHA); a Redis that does not have it, or
 * not any more, gets it and is asked again. OK: *out_reply is its answer, valid until the next run
 * on the connection. Sent again when an idle connection turns out to be closed, so doing it twice
 * must be bearable. Blocks like redis_conn_run. */
enum status redis_script_run(struct redis_script *script, struct redis_conn *redis,
                             const struct str *words, size_t count, size_t key_count,
                             const struct redis_reply **out_reply);

#endif
