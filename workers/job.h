/* job: one request inside a pool, from the agent's receipt to the answer it sends.
 *
 * The agent makes a job and gives it to a thread; a handler answers it; the agent sends the answer
 * and frees the job. It belongs to one thread at a time, and everything of it lives in its arena.
 */
#ifndef VOTE_WORKERS_JOB_H
#define VOTE_WORKERS_JOB_H

#include "proto/message.h"
#include "proto/status.h"

struct work;

struct job {
    struct job *next;                /* in the queue it waits in */
    const struct message_type *type; /* of the request */
    const void *request;             /* struct of that type, in arena */
    struct id request_id;            /* the envelope's, for logs */
    int64_t deadline_us;             /* clock_us; nothing of it may start later */
    struct arena arena;              /* handlers may allocate from it until they answer */

    /* The answer. */
    bool answered;
    enum status status;
    struct buf body;   /* packed reply, or packed struct error */
    struct buf report; /* packed struct work_report; empty: not traced */

    /* The agent's own. */
    size_t gateway;            /* which connection it came by */
    uint32_t slot, generation; /* returned unchanged */
    uint8_t attempt;
    bool traced; /* its gateway wants a report */
    int64_t received_us, started_us, finished_us;
    size_t batch; /* jobs it was handled with */
};

/* job_answer: the answer is OK with this reply (a struct of the request's reply type; copied). */
void job_answer(struct job *job, const void *reply);

/* job_answer_like: the same answer, byte for byte, as a job of the same type already has. */
void job_answer_like(struct job *job, const struct job *answered);

/* job_fail: the answer is this status (not OK). detail: for logs and developers, may be NULL;
 * never a password, hash, session id or e-mail. */
void job_fail(struct job *job, enum status status, const char *detail);

/* job_fail_field: INVALID, and which field ("closes_at") and why ("is not in the future"). */
void job_fail_field(struct job *job, const char *field, const char *reason);

/* job_expired: is its deadline over? Ask before starting something for it. */
bool job_expired(const struct job *job);

/* What a pool does with one message. Each job of the batch has the row's type and must be answered
 * exactly once before the handler returns (expired ones may be answered EXPIRED before anything was
 * started for them). May block within the limits of its thread's connection.
 *
 * The batch is all that waited when the thread became free, at most batch_max: whatever a handler
 * reads, it reads after the last of them arrived. */
struct job_handler {
    unsigned message;                                              /* MESSAGE_… of the request */
    void (*handle)(void *thread, struct job **jobs, size_t count); /* thread: what open returned */
    size_t batch_max;                                              /* 1: never batched */
    bool gathers; /* one batch at a time is best; see crew.h */
};

/* A pool's service: what its threads own and what they answer. */
struct job_service {
    enum service service;
    bool lanes; /* separate threads for READ and WRITE messages */
    const struct job_handler *handlers;
    size_t handler_count;

    /* open: make what one thread owns (a connection…); called in that thread, never NULL: without
     * its server a thread answers UNAVAILABLE and tries again at the next batch.
     * close: in that thread, at its end. idle: called in that thread when it had nothing to do for
     * a second (keep a connection fresh); may be NULL. */
    void *(*open)(const void *settings);
    void (*close)(void *thread);
    void (*idle)(void *thread);

    /* watch: in that thread: note what is asked of its server there, until NULL; see work.h. May
     * be NULL. */
    void (*watch)(void *thread, struct work *work);

    /* queue_limit: how many jobs may wait now, if that is fewer than configured; asked in the agent
     * whenever one arrives. NULL: as configured. */
    size_t (*queue_limit)(const void *settings, size_t threads);
};

#endif
