/* tracing: which requests are traced, and where their records go: to the toolbar's list of the last
 * requests, and to a file that an OpenTelemetry collector reads.
 *
 * A gateway that does neither has no tracing (NULL), and no request of it a trace. One thread, the
 * loop's; an append to the file may block as any write to a disk. */
#ifndef VOTE_GATEWAY_TRACING_H
#define VOTE_GATEWAY_TRACING_H

#include "gateway/request.h"
#include "gateway/trace.h"

struct tracing;

/* tracing_new: as configured. *out is NULL if nothing is to be traced. False, and *out_error
 * (static), if the file cannot be opened. */
bool tracing_new(const struct config *config, struct tracing **out, const char **out_error);
void tracing_free(struct tracing *tracing);

/* tracing_shows: is the toolbar there for this client? False without tracing. */
bool tracing_shows(const struct tracing *tracing, const struct request *request);

/* tracing_begin: the record of a request that is complete and routed, or NULL. */
struct trace *tracing_begin(struct tracing *tracing, struct request *request);

/* tracing_answer: what it is about to be answered; where the toolbar is, with Server-Timing.
 * tracing_sent: on_done was called. */
void tracing_answer(struct request *request, struct http_response *response);
void tracing_sent(struct request *request, int status, int64_t bytes_sent, int64_t duration_us);

/* tracing_end: the request is over; its record is handed over. */
void tracing_end(struct tracing *tracing, struct trace *trace);

/* tracing_newest: of the requests kept for the toolbar; trace->next is the one before.
 * tracing_find: by request id, or NULL. */
const struct trace *tracing_newest(const struct tracing *tracing);
const struct trace *tracing_find(const struct tracing *tracing, struct id request_id);

#endif
