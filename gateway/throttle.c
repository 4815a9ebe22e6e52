#include "gateway/throttle.h"

#include "proto/base/die.h"

#include <stdlib.h>

enum { WAYS = 8 }; /* buckets a key may be in */

static const int64_t minute_us = 60 * 1000 * 1000;

struct bucket {
    uint64_t name;   /* hash of its key; 0: free */
    int64_t full_us; /* when it is full again; past: it is */
};

struct throttle {
    uint64_t seed;
    size_t sets; /* of WAYS buckets */
    struct bucket buckets[];
};

struct throttle *throttle_new(size_t buckets, uint64_t seed)
{
    size_t sets = buckets / WAYS ? buckets / WAYS : 1;
    struct throttle *throttle =
        calloc(1, sizeof *throttle + sets * WAYS * sizeof *throttle->buckets);
    if (!throttle)
        die("out of memory");
    throttle->seed = seed;
    throttle->sets = sets;
    return throttle;
}

void throttle_free(struct throttle *throttle)
{
    free(throttle);
}

/* The finalizer of MurmurHash3: every bit of x changes half of the result. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdU;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53U;
    return x ^ x >> 33;
}

static uint64_t name_of(const struct throttle *throttle, enum throttle_kind kind, const void *key,
                        size_t size)
{
    uint64_t name = mix(throttle->seed + (uint64_t)kind + 1), word = 0;
    for (const char *at = key; size > 0; at += sizeof word) {
        size_t part = size < sizeof word ? size : sizeof word;
        memcpy(&word, at, part);
        name = mix(name + word) + throttle->seed;
        size -= part;
        word = 0;
    }
    return name ? name : 1;
}

/* Its bucket, or the one whose loss gives least away. */
static struct bucket *bucket_of(struct throttle *throttle, uint64_t name)
{
    struct bucket *set = &throttle->buckets[name % throttle->sets * WAYS], *least = set;
    for (struct bucket *bucket = set; bucket < set + WAYS; bucket++) {
        if (bucket->name == name)
            return bucket;
        if (bucket->full_us < least->full_us)
            least = bucket;
    }
    *least = (struct bucket){.name = name};
    return least;
}

int64_t throttle_take(struct throttle *throttle, enum throttle_kind kind, const void *key,
                      size_t size, int64_t per_minute, int64_t now_us)
{
    if (per_minute <= 0)
        return 0;
    struct bucket *bucket = bucket_of(throttle, name_of(throttle, kind, key, size));
    int64_t full_us =
        (bucket->full_us > now_us ? bucket->full_us : now_us) + minute_us / per_minute;
    if (full_us - now_us > minute_us)
        return full_us - now_us - minute_us;
    bucket->full_us = full_us;
    return 0;
}
