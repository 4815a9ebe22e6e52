/* coding: which content codings a client takes (RFC 9110, section 12.5.3). Pure. */
#ifndef VOTE_HTTP_CODING_H
#define VOTE_HTTP_CODING_H

#include "gateway/http/request.h"

enum { HTTP_WEIGHT_MAX = 1000 };

/* http_coding_weight: how much the client likes a coding ("br", "gzip", "identity"), in
 * thousandths: its q, else that of "*"; 0: not to be sent. Identity that no element names is 1:
 * anything that was asked for comes before it. An element that is not well formed counts for
 * nothing. */
int http_coding_weight(const struct http_request *request, const char *coding);

#endif
