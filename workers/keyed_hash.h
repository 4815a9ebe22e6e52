/* keyed_hash: names for what must not be stored itself; a door to sodium.h. Who does not have the
 * secret cannot find out what a name stands for by trying all there is (all IPv4 addresses are
 * tried in minutes). Pure; any thread. */
#ifndef VOTE_WORKERS_KEYED_HASH_H
#define VOTE_WORKERS_KEYED_HASH_H

#include "proto/base/str.h"

enum { KEYED_HASH_TEXT = 32 }; /* hex digits, without the NUL */

/* keyed_hash: BLAKE2b (RFC 7693), 128 bits, of the parts, each with its length, so that ("ab", "c")
 * and ("a", "bc") differ. secret: of any length. Writes digits and a NUL to out; returns it. */
char *keyed_hash(struct str secret, const struct str *parts, size_t count,
                 char out[KEYED_HASH_TEXT + 1]);

#endif
