/* attempts: how often somebody may try. Counts of log-ins and registrations, in Redis, shared by
 * all pools.
 *
 * A log-in is counted three times before it is tried: for its account and address together
 * (tight), for its account from addresses the account does not know (loose), and for its address
 * (loose). Any full count refuses it, and a refused one is not counted: nobody prolongs a window by
 * knocking on. Success takes its counts back, empties the tight one, and makes the address known to
 * the account. So whoever guesses is stopped after a few, many addresses together after some more;
 * and the owner, at an address where they logged in before, is shut out by nobody but themselves.
 *
 * Windows are fixed: a count lives from its first attempt to the end of its window, by Redis's own
 * clock. Accounts and addresses are there as keyed hashes alone (workers/keyed_hash.h).
 * Spellings that only the database folds (an e-mail with a K of U+212A) count apart from each
 * other; the count of the address holds them together. */
#ifndef VOTE_WORKERS_ATTEMPTS_H
#define VOTE_WORKERS_ATTEMPTS_H

#include "workers/job.h"
#include "workers/redis_conn.h"

struct attempts_limits {
    int64_t both, account, address; /* attempts in a window; 0: no limit */
    int64_t window_s;
};

struct attempts_settings {
    const char *prefix; /* of keys: "<prefix>:attempts:…" */
    const char *secret; /* "": one that all pools share is made and kept in Redis */
    struct attempts_limits login, registration;
    int64_t known_s; /* an account forgets an address after so long; 0: it knows none */
};

struct attempts;

/* attempts_new: one thread's. Settings and connection are borrowed for its life. */
struct attempts *attempts_new(const struct attempts_settings *settings, struct redis_conn *redis);
void attempts_free(struct attempts *attempts);

/* attempts_count, attempts_clear: answer a job of attempt_count or attempt_clear. Block like
 * redis_conn_run. Without Redis the answer is UNAVAILABLE: nobody gets by. */
void attempts_count(struct attempts *attempts, struct job *job);
void attempts_clear(struct attempts *attempts, struct job *job);

#endif
