/* envelope: the small fixed header before every body, so that routing needs no JSON.
 *
 * A message is ENVELOPE_SIZE bytes of header, all numbers big-endian, then the body, and behind it,
 * only where a request is traced, what both sides say of the trace. A ZeroMQ frame is one message
 * or several, one behind the other (proto/bundle.h).
 *
 * Pure; any thread. */
#ifndef VOTE_PROTO_ENVELOPE_H
#define VOTE_PROTO_ENVELOPE_H

#include "proto/base/buf.h"
#include "proto/base/id.h"

enum { ENVELOPE_SIZE = 56, ENVELOPE_VERSION = 1 };

/* X(offset, size, name, phrase) */
#define ENVELOPE_LAYOUT(X)                                                                 \
    X(0, 2, "magic", "the letters VQ")                                                     \
    X(2, 1, "version", "1")                                                                \
    X(3, 1, "attempt", "1 for the first time a request is sent, 2 for the next; returned") \
    X(4, 2, "type", "the number of the message")                                           \
    X(6, 2, "status", "of an answer; 0 elsewhere")                                         \
    X(8, 4, "slot", "chosen by who asks, returned unchanged")                              \
    X(12, 4, "generation", "of the slot, likewise")                                        \
    X(16, 16, "request_id", "for the logs on both sides")                                  \
    X(32, 4, "ttl_ms", "milliseconds left to answer a request; 0 elsewhere")               \
    X(36, 2, "credit", "an answer gives so much back")                                     \
    X(38, 2, "batch", "how many requests the answer was worked out with")                  \
    X(40, 4, "queue_us", "microseconds the request waited in the pool")                    \
    X(44, 4, "service_us", "microseconds a thread worked on it")                           \
    X(48, 4, "trace_size",                                                                 \
      "bytes behind the body: of a traced request its traceparent "                        \
      "(W3C Trace Context), of its answer a work_report; 0: not traced")                   \
    X(52, 4, "body_size", "bytes; the message ends with body and trace")

struct envelope {
    uint8_t attempt;
    uint16_t type;
    uint16_t status;
    uint32_t slot, generation;
    struct id request_id;
    uint32_t ttl_ms;
    uint16_t credit;
    uint16_t batch;
    uint32_t queue_us, service_us;
    struct str trace; /* of envelope_next: borrowed from the frame; empty: not traced */
};

/* envelope_begin: append the header with a body size of 0; the body is appended behind it, then
 * envelope_end(out, start) writes its size. start: what out->size was before envelope_begin. */
void envelope_begin(const struct envelope *envelope, struct buf *out);
void envelope_end(struct buf *out, size_t start);

/* envelope_add_trace: once, behind envelope_end. */
void envelope_add_trace(struct buf *out, size_t start, struct str trace);

/* envelope_body: of a frame made by the functions above. */
struct str envelope_body(const struct buf *frame);

/* envelope_stamp: what changes when the same frame is sent: attempt, slot, generation and ttl. */
void envelope_stamp(struct buf *frame, const struct envelope *envelope);

enum envelope_error {
    ENVELOPE_OK,
    ENVELOPE_SHORT,      /* less than a header, or less behind it than it says */
    ENVELOPE_TRAILING,   /* behind a message stands what is none */
    ENVELOPE_NOT_OURS,   /* another magic */
    ENVELOPE_BAD_VERSION /* ours, but of a version this program does not speak */
};

/* envelope_check: is it whole messages, at least one, and nothing else? */
enum envelope_error envelope_check(struct str frame);

/* envelope_next: take the first message off a frame that was good when it was checked. *out_body
 * and the trace borrow from the frame. False if none is left. */
bool envelope_next(struct str *frame, struct envelope *out, struct str *out_body);

/* envelope_error_text: "too short". */
const char *envelope_error_text(enum envelope_error error);

#endif
