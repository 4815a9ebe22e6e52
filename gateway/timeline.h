/* timeline: the record of a request as the toolbar shows it: every hop on one axis of time. Pure.
 */
#ifndef VOTE_GATEWAY_TIMELINE_H
#define VOTE_GATEWAY_TIMELINE_H

#include "gateway/tpl/value.h"
#include "gateway/trace.h"

enum hop_kind {
    HOP_QUEUE, /* in the gateway, for credit */
    HOP_LOST,  /* at a pool that was given up */
    HOP_OUT,   /* on the wire, to the pool */
    HOP_POOL,  /* in the pool's queue */
    HOP_WORK,
    HOP_BACK, /* on the wire */
    HOP_READ, /* the gateway takes the answer apart */
    HOP_KINDS
};

struct hop {
    enum hop_kind kind;
    int64_t start_us, end_us;            /* clock_us */
    const struct trace_attempt *attempt; /* NULL: HOP_QUEUE */
};

/* hop_name: "queue". */
const char *hop_name(enum hop_kind kind);

/* timeline_hops: from asked to ended, without a gap: together they are the ask's time. In arena. */
size_t timeline_hops(const struct trace_ask *ask, struct arena *arena, struct hop **out_hops);

/* timeline_drawing: the context of debug/timeline.html:
 *   {height, bottom, ticks: [{x, label}],
 *    rows: [{y, label, bars: [{x, width, kind, title}]}]}
 * Numbers of the drawing are texts with one decimal, on a width of TIMELINE_WIDTH. */
enum { TIMELINE_LEFT = 220, TIMELINE_WIDTH = 1000, TIMELINE_ROW = 22 };
struct tpl_value timeline_drawing(const struct trace *trace, struct arena *arena);

/* timeline_ms: "1.250" */
struct tpl_value timeline_ms(struct arena *arena, int64_t us);

#endif
