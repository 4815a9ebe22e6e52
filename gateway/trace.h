/* trace: what happened to one request, hop by hop. Made only for a request that is traced (see
 * tracing.h); elsewhere its pointer is NULL and none of this runs.
 *
 * Times are clock_us. A record is bounded: past its limits steps, asks and lines are left out. One
 * thread, the loop's. */
#ifndef VOTE_GATEWAY_TRACE_H
#define VOTE_GATEWAY_TRACE_H

#include "gateway/http/form.h"
#include "gateway/http/response.h"
#include "proto/base/log.h"
#include "proto/envelope.h"
#include "proto/message.h"
#include "proto/status.h"
#include "proto/traceparent.h"

enum { TRACE_STEPS = 32, TRACE_ASKS = 16, TRACE_LINES = 64 };

/* What the gateway does with a request, one after the other; together they are the time elapsed. */
enum trace_phase {
    TRACE_PARSE,  /* from its first byte until it is complete */
    TRACE_PAGE,   /* our code */
    TRACE_WAIT,   /* for pools */
    TRACE_RENDER, /* the template */
    TRACE_SEND,   /* until the kernel has all of the answer */
    TRACE_PHASES
};

/* trace_phase_name: "parse". */
const char *trace_phase_name(enum trace_phase phase);

struct trace_step {
    enum trace_phase phase;
    int64_t start_us;
};

/* One sending of an ask to one pool. */
struct trace_attempt {
    struct trace_attempt *next;
    struct span_id span;
    struct id pool;
    int64_t pid;
    const char *host;
    int64_t sent_us, ended_us; /* ended: answered, or given up; 0: neither yet */
    int64_t left_us;           /* to its deadline, when it was sent */
    const char *lost;          /* why it was given up, or NULL */
};

/* What was asked of a pool. */
struct trace_ask {
    struct trace *trace;
    struct trace_ask *next;
    struct span_id span;
    const struct message_type *type;
    int64_t asked_us, ended_us; /* ended 0: not yet */
    bool joined;                /* shares the answer to the same read, asked by another request */
    enum status status;
    size_t request_bytes, answer_bytes;
    unsigned batch, sharers;                /* answered with so many, and to so many */
    int64_t pool_queue_us, pool_service_us; /* of the attempt that was answered */
    struct trace_attempt *attempts, **last; /* in the order sent */
    const struct work_report *report;       /* what the pool did, or NULL */
};

struct trace_line {
    int64_t at_us;
    struct str text;
};

struct trace {
    struct trace *next; /* in the ring, newer ones first; or among those under way */
    struct arena arena; /* everything of it */
    struct id request_id;
    struct traceparent context; /* its trace; parent: the span of who sent the request, or none */
    struct span_id span;        /* of the request itself */
    bool shown, exported;       /* wanted by the toolbar, by the file */
    int64_t wall_ns;            /* since 1970, at started_us */
    int64_t started_us, ended_us;
    struct str client, method, target, path, query;
    const char *route; /* its path in the table, or NULL */
    int status, minor;
    int64_t bytes_sent;
    struct http_header *request_headers, *response_headers; /* shown only, like the next two */
    size_t request_header_count, response_header_count;
    struct http_header *form;
    size_t form_count;
    int64_t user_id;
    struct trace_step steps[TRACE_STEPS];
    size_t step_count;
    struct trace_ask *asks, **last_ask;
    size_t ask_count;
    struct trace_line lines[TRACE_LINES];
    size_t line_count;
};

/* trace_new: of a request whose first byte came at started_us; it is complete now. */
struct trace *trace_new(struct id request_id, int64_t started_us);
void trace_free(struct trace *trace);

/* trace_enter: what the gateway does from now on. */
void trace_enter(struct trace *trace, enum trace_phase phase);

/* trace_end_us: when a step ended. */
int64_t trace_end_us(const struct trace *trace, size_t step);

/* trace_ask: something is asked now. NULL if there is no room. */
struct trace_ask *trace_ask(struct trace *trace, const struct message_type *type);

/* trace_sent, trace_lost, trace_answered: what became of it in dispatch. `frame` is the size of the
 * whole message; sent_us was before a pool could have it. trace_answered reads the report of
 * envelope->trace; one that makes no sense is left out. */
void trace_sent(struct trace_ask *ask, struct id pool, const char *host, int64_t pid,
                int64_t sent_us, int64_t deadline_us, size_t frame);
void trace_lost(struct trace_ask *ask, const char *why);
void trace_answered(struct trace_ask *ask, const struct envelope *envelope, size_t frame,
                    unsigned sharers);

/* trace_done: it was answered, or refused: its status. */
void trace_done(struct trace_ask *ask, enum status status);

/* trace_log: a line of the log that names this request. */
void trace_log(struct trace *trace, struct str line);

/* trace_received_us: when the pool of an answered attempt had the request, on our clock. A pool of
 * this host tells by the clock we share; for another the way there and back count alike. */
int64_t trace_received_us(const struct trace_ask *ask, const struct trace_attempt *attempt);

#endif
