/* origin: does a request that changes something come from our own pages? (cross-site request
 * forgery) Pure. */
#ifndef VOTE_GATEWAY_ORIGIN_H
#define VOTE_GATEWAY_ORIGIN_H

#include "gateway/http/request.h"

/* origin_is_ours: true for GET, HEAD and OPTIONS, which change nothing. Else by Sec-Fetch-Site (W3C
 * Fetch Metadata) if there is one: "same-origin" or "none". Without it by Origin (RFC 6454), whose
 * host and port must be those of Host. With neither the client is no browser, has no one's cookies
 * by accident, and passes. Either header twice: false. */
bool origin_is_ours(const struct http_request *request);

#endif
