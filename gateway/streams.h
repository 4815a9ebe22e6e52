/* streams: what happens, told to those who listen, as server-sent events (HTML Living Standard,
 * section 9.2). A bounded number of listeners; one that does not keep up is dropped. One thread. */
#ifndef VOTE_GATEWAY_STREAMS_H
#define VOTE_GATEWAY_STREAMS_H

#include "proto/base/buf.h"

struct event_base;
struct request;
struct stream;
struct streams;

/* streams_new: for max listeners at one time; whenever heartbeat_ms passed, each is sent a comment,
 * so that one whose host is gone is found. */
struct streams *streams_new(struct event_base *loop, size_t max, int64_t heartbeat_ms);

/* streams_free: none may listen any more (their server was freed). NULL is allowed. */
void streams_free(struct streams *streams);

/* streams_event: append one event to out. data: text of any number of lines. */
void streams_event(struct buf *out, const char *name, struct str data);

/* streams_open: answer a request with a stream that begins with these events; 503 if max listen
 * already. To HEAD, the head alone. */
void streams_open(struct streams *streams, struct request *request, struct str first);

/* streams_send: an event to all who listen. */
void streams_send(struct streams *streams, const char *name, struct str data);

/* streams_closed: for request_done: this one listens no more. */
void streams_closed(struct stream *stream);

#endif
