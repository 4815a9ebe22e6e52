/* condition: If-Match and its kin, and Range (RFC 9110, sections 13 and 14). Pure. */
#ifndef VOTE_HTTP_CONDITION_H
#define VOTE_HTTP_CONDITION_H

#include "gateway/http/request.h"

/* What identifies the representation that would be sent. */
struct http_validators {
    struct str etag;   /* strong, with its quotes */
    int64_t modified;  /* unix seconds */
    bool date_is_weak; /* other representations have the same date */
};

/* http_condition_status: of a GET or HEAD, in the order of section 13.2.2: 412 if If-Match (strong
 * comparison) or, without it, If-Unmodified-Since does not hold; 304 if If-None-Match (weak
 * comparison) or, without it, If-Modified-Since does not; else 0: go on. A date that is none is as
 * if it were not there. */
int http_condition_status(const struct http_request *request,
                          const struct http_validators *validators);

enum http_range {
    HTTP_RANGE_WHOLE, /* no Range that counts: all of it, 200 */
    HTTP_RANGE_PART,  /* 206 */
    HTTP_RANGE_NONE   /* 416: malformed, more than one, or beyond the end */
};

/* http_range_read: which bytes of `size` are asked for: "bytes=a-b", "a-", "-n". Range counts for
 * GET alone, in bytes, and only if If-Range (tag or date, strong) names what we have. *out_first
 * and *out_count are set for PART. */
enum http_range http_range_read(const struct http_request *request,
                                const struct http_validators *validators, int64_t size,
                                int64_t *out_first, int64_t *out_count);

#endif
