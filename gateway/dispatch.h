/* dispatch: the gateway's side of the queues: which pools are there, what they may be sent, and who
 * waits for which answer.
 *
 * A request to a pool waits from dispatch_ask until exactly one call of its on_answer:
 * with the pool's answer, or with BUSY (no room), UNAVAILABLE (no pool, or pools died on it),
 * EXPIRED (deadline), BAD_MESSAGE (the answer made no sense). Messages carry (slot, generation), so
 * a late answer finds nobody. One thread, the loop's; nothing here blocks. */
#ifndef VOTE_GATEWAY_DISPATCH_H
#define VOTE_GATEWAY_DISPATCH_H

#include "proto/channel_curve.h"
#include "proto/message.h"
#include "proto/status.h"

struct event_base;
struct trace_ask;
struct dispatch;
struct slot;

struct dispatch_settings {
    const char *endpoint; /* ipc://…, bound under a lock file beside it */
    size_t slots;         /* requests waiting for an answer, all services together */
    size_t queue_limit;   /* requests of one service waiting for credit */
    int64_t dead_ms;      /* a pool silent for so long is dead */
    bool share_reads;     /* see dispatch_ask; off: for measurements */
    int64_t rejoin_ms;    /* requests may wait this long for a service whose last pool left */
    void *owner;          /* given to fill_status */
    /* fill_status: what only the gateway knows of gateway_status_reply (listen, connections…). */
    void (*fill_status)(void *owner, struct gateway_status_reply *status);
    /* refresh: answer gateway_refresh; NULL: it is no message of ours. */
    void (*refresh)(void *owner, const struct gateway_refresh *refresh,
                    struct gateway_refresh_reply *out_reply);

    const struct channel_tcp *tcp; /* for pools of other hosts, read by dispatch_new; or NULL */
};

/* The memory of an answer; asks of the same answer share it. */
struct dispatch_reply {
    size_t owners;
    struct arena arena;
    struct skeleton *skeletons; /* what pages made of it: skeleton.h */
};

/* What came back. */
struct dispatch_answer {
    enum status status;
    const void *reply;             /* status OK: struct of the request's reply type */
    const struct error *error;     /* else: what the pool said of it, or NULL */
    struct dispatch_reply *memory; /* where both live: dispatch_reply_free; may be NULL */
    unsigned attempt;              /* how often the request was sent; 0: never */
    unsigned batch;                /* requests the pool handled together with it */
    int64_t wait_us;               /* in the gateway's queue */
    int64_t pool_queue_us, pool_service_us;
    int64_t total_us; /* from dispatch_ask until the answer came, or the refusal is told */
};

/* An ask. It lives in the asker's memory, unmoved, until its on_answer was called. */
struct dispatch_ask {
    /* Who asks sets these. */
    unsigned message; /* MESSAGE_… of a request */
    const void *body; /* its struct; packed before dispatch_ask returns */
    struct id request_id;
    int64_t deadline_us; /* clock_us */
    void *owner;
    void (*on_answer)(void *owner, const struct dispatch_answer *answer);
    struct trace_ask *trace; /* told of what becomes of it; NULL: not traced */

    /* Dispatch's own. */
    struct dispatch_ask *next, *previous; /* in the list of its slot, or of the refused */
    const struct message_type *type;
    struct slot *slot;   /* NULL: refused */
    enum status refusal; /* what it will be told */
    int64_t asked_us;
    unsigned attempt; /* of a refused one */
};

/* dispatch_new: bind the endpoints. NULL, and *out_error (in arena), if one is taken or malformed,
 * or the keys of tcp are no good. */
struct dispatch *dispatch_new(struct event_base *base, const struct dispatch_settings *settings,
                              struct arena *arena, const char **out_error);

/* dispatch_ask: on_answer is called later from the loop, never before dispatch_ask returns.
 *
 * Reads with the same body share an answer: one that arrives before the other was sent joins it;
 * one that arrives later waits for it and is then sent itself, with all that came meanwhile. So
 * what answers a read was read after the read was asked, always. */
void dispatch_ask(struct dispatch *dispatch, struct dispatch_ask *ask);

/* dispatch_refuses: would an ask of this message be refused now, since too many wait? Then it
 * counts as one that was. For who has yet to pay for what comes before the ask. */
bool dispatch_refuses(struct dispatch *dispatch, unsigned message, int64_t deadline_us);

/* dispatch_reply_free: one owner of an answer's memory less. NULL is allowed. */
void dispatch_reply_free(struct dispatch_reply *reply);

/* dispatch_pools: pools of a service that can be asked now. */
size_t dispatch_pools(const struct dispatch *dispatch, enum service service);

/* dispatch_status: its pools and queues, as gateway_status answers; in arena. Hosts are borrowed.
 */
struct gateway_status_reply dispatch_status(struct dispatch *dispatch, struct arena *arena);

/* dispatch_metrics: append every counter in the text format of Prometheus. */
void dispatch_metrics(struct dispatch *dispatch, struct buf *out);

/* dispatch_waiting: requests whose on_answer is still to be called. */
size_t dispatch_waiting(const struct dispatch *dispatch);

/* dispatch_free: nothing may be waiting any more. Removes the endpoint's files. May block up to the
 * linger time. */
void dispatch_free(struct dispatch *dispatch);

#endif
