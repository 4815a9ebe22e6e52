/* shares: which reads are on their way, found by their type and body, so that the same read asked
 * again can share the answer. */
#ifndef VOTE_GATEWAY_SHARES_H
#define VOTE_GATEWAY_SHARES_H

#include "gateway/slots.h"

enum { SHARES_BUCKETS = 1024 };

struct shares {
    struct slot *buckets[SHARES_BUCKETS];
};

/* shares_allowed: may requests of this type share an answer? Reads may, but for passwords. */
bool shares_allowed(const struct message_type *type);

/* shares_find: the slot whose request has this type and body, or NULL. *out_hash is for
 * shares_add. */
struct slot *shares_find(const struct shares *shares, const struct message_type *type,
                         struct str body, uint64_t *out_hash);

/* shares_add: from now on the slot is found. shares_remove: not any more; no effect if it is not.
 */
void shares_add(struct shares *shares, struct slot *slot, uint64_t hash);
void shares_remove(struct shares *shares, struct slot *slot);

#endif
