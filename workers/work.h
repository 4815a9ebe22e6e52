/* work: what one thread did for a traced batch: what it asked of its server, what it logged. Made
 * only while a batch holds a traced job; elsewhere its pointer is NULL.
 *
 * Belongs to that thread. Past its limits nothing more is noted. */
#ifndef VOTE_WORKERS_WORK_H
#define VOTE_WORKERS_WORK_H

#include "workers/job.h"

struct work;

/* work_is_wanted: does an envelope's trace ask for a report? What is no traceparent does not. */
bool work_is_wanted(struct str trace);

/* work_begin: from now on, of a batch begun at began_us (clock_us); log lines of this thread are
 * noted too. work_end: into the reports of those jobs that are traced; frees it. */
struct work *work_begin(int64_t began_us);
void work_end(struct work *work, struct job **jobs, size_t count);

/* work_add: the server was asked at start_us, and has answered now. text: a statement without its
 * values, a command without its keys. */
void work_add(struct work *work, const char *kind, struct str text, int64_t start_us, int64_t rows,
              bool failed);

#endif
