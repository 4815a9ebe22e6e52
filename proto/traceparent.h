/* traceparent: the header by which a trace goes from one program to the next (W3C Trace Context,
 * https://www.w3.org/TR/trace-context/, section 3.2). Pure; any thread. */
#ifndef VOTE_PROTO_TRACEPARENT_H
#define VOTE_PROTO_TRACEPARENT_H

#include "proto/base/id.h"

enum { SPAN_TEXT = 16, TRACEPARENT_TEXT = 55 }; /* characters, without the NUL */

/* One timed piece of work, within its trace. */
struct span_id {
    uint8_t bytes[8]; /* all zero: none */
};

struct traceparent {
    struct id trace;
    struct span_id parent; /* the span of who asks */
    bool sampled;          /* who asks records it */
};

/* span_id_random: fresh bits from the kernel, never none. span_id_print: writes SPAN_TEXT
 * lower-case digits and a NUL to out; returns out. */
struct span_id span_id_random(void);
bool span_id_is_none(struct span_id id);
char *span_id_print(struct span_id id, char out[SPAN_TEXT + 1]);

/* traceparent_parse: "00-<32>-<16>-<2>" in lower-case hex, exactly; of a later version what version
 * 00 knows, if a '-' or the end follows it; never version ff, nor an id of zeros. False on anything
 * else: the trace is then begun anew, as the text demands. */
bool traceparent_parse(struct str text, struct traceparent *out);

/* traceparent_print: of version 00; writes TRACEPARENT_TEXT characters and a NUL; returns out. */
char *traceparent_print(const struct traceparent *from, char out[TRACEPARENT_TEXT + 1]);

#endif
