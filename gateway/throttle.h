/* throttle: so many requests a minute, for each account and each address, in bounded memory.
 *
 * A bucket that holds a minute's worth and is refilled all the time, kept as one number: when it
 * will be full again (GCRA, ITU-T I.371). It is this gateway's own: with n gateways the limit is up
 * to n times as high, and nothing is asked of anybody to know it. What does not fit the table is
 * forgotten where that gives least away: a bucket that is full again first. Pure but for memory;
 * one thread. */
#ifndef VOTE_GATEWAY_THROTTLE_H
#define VOTE_GATEWAY_THROTTLE_H

#include "proto/base/str.h"

enum throttle_kind {
    THROTTLE_VOTES_ACCOUNT,
    THROTTLE_VOTES_ADDRESS,
    THROTTLE_READS_ACCOUNT,
    THROTTLE_READS_ADDRESS,
};

struct throttle;

/* throttle_new: room for that many buckets, 16 bytes each. seed: unknown outside, so that nobody
 * can choose whom they push out. */
struct throttle *throttle_new(size_t buckets, uint64_t seed);
void throttle_free(struct throttle *throttle);

/* throttle_take: one more for this account or address (its bytes). Returns 0 if it may go on, which
 * counts it; else the microseconds until it might, and it is not counted. per_minute 0: no limit.
 * now_us: a monotonic clock. */
int64_t throttle_take(struct throttle *throttle, enum throttle_kind kind, const void *key,
                      size_t size, int64_t per_minute, int64_t now_us);

#endif
