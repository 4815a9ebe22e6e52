/* otlp: the record of a request as a collector of OpenTelemetry reads it: one
 * ExportTraceServiceRequest in JSON (OTLP 1.x, JSON Protobuf encoding: ids in hex, times and 64-bit
 * numbers as text), a line. Names of attributes are those of OpenTelemetry's semantic conventions.
 *
 * Pure. No header, form, query string or address of a person is in it. */
#ifndef VOTE_GATEWAY_OTLP_H
#define VOTE_GATEWAY_OTLP_H

#include "gateway/trace.h"

/* otlp_print: append the line. The request is over. */
void otlp_print(const struct trace *trace, struct buf *out);

#endif
