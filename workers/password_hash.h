/* password_hash: Argon2id by libsodium; workers/password* is the only door to <sodium.h>. */
#ifndef VOTE_WORKERS_PASSWORD_HASH_H
#define VOTE_WORKERS_PASSWORD_HASH_H

#include "proto/base/str.h"

enum { PASSWORD_HASH_SIZE = 128 }; /* with its NUL */

/* password_hash_make: an Argon2id string of the password. Works for tens of milliseconds on
 * memlimit bytes (at least opslimit 1 and 8192). False if that memory is not to be had. Any thread.
 */
bool password_hash_make(struct str password, uint64_t opslimit, size_t memlimit,
                        char out[PASSWORD_HASH_SIZE]);

#endif
