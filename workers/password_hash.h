/* password_hash: Argon2id strings; the only door to sodium.h. Slow and heavy on purpose: a call
 * takes tens of milliseconds and `memlimit` bytes. Any thread. */
#ifndef VOTE_WORKERS_PASSWORD_HASH_H
#define VOTE_WORKERS_PASSWORD_HASH_H

#include "proto/base/str.h"

enum { PASSWORD_HASH_SIZE = 128 }; /* of a hash string, with its NUL */

/* password_hash_make: the hash of a password (any bytes) as a C string. opslimit: passes over the
 * memory; memlimit: bytes. False if the memory is not to be had. */
bool password_hash_make(struct str password, uint64_t opslimit, size_t memlimit,
                        char out[PASSWORD_HASH_SIZE]);

/* password_hash_verify: is it the password of this hash? False for what is no hash string, too, and
 * then at once. */
bool password_hash_verify(struct str hash, struct str password);

/* password_hash_is_valid: is it a hash string that verify works on? */
bool password_hash_is_valid(struct str hash);

/* password_hash_is_weaker: made with fewer passes or less memory than this. */
bool password_hash_is_weaker(struct str hash, uint64_t opslimit, size_t memlimit);

/* password_wipe: overwrite a secret that is no longer needed. The bytes must be writable memory. */
void password_wipe(struct str secret);

#endif
