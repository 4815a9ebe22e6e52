/* histogram: counts of values by fixed buckets, as Prometheus reads them. Pure. */
#ifndef VOTE_GATEWAY_HISTOGRAM_H
#define VOTE_GATEWAY_HISTOGRAM_H

#include "proto/base/buf.h"

enum { HISTOGRAM_BUCKETS = 16 };

enum histogram_kind {
    HISTOGRAM_TIME, /* microseconds, 100 µs to 10 s; printed in seconds */
    HISTOGRAM_SIZE, /* a count, 1 to 32768 in powers of two */
};

struct histogram {
    int64_t counts[HISTOGRAM_BUCKETS + 1]; /* the last: larger than every bucket */
    int64_t sum;
};

void histogram_add(struct histogram *histogram, enum histogram_kind kind, int64_t value);

/* histogram_limit: the largest value of a bucket; 0 for the last one, which has none. */
int64_t histogram_limit(enum histogram_kind kind, size_t bucket);

/* histogram_total: values added so far. */
int64_t histogram_total(const struct histogram *histogram);

/* histogram_print: NAME_bucket{LABELS,le="…"}, NAME_sum and NAME_count in the text format of
 * Prometheus; labels is the inside of the braces, not empty. */
void histogram_print(const struct histogram *histogram, enum histogram_kind kind, const char *name,
                     const char *labels, struct buf *out);

#endif
