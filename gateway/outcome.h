/* outcome: the one table from a status to HTTP. Pages never invent a code. */
#ifndef VOTE_GATEWAY_OUTCOME_H
#define VOTE_GATEWAY_OUTCOME_H

#include "proto/status.h"

/* outcome_http: the HTTP status of an answer that a program reads. */
int outcome_http(enum status status);

/* outcome_status: the nearest status for an HTTP error that never came to a page (404, 413…), for a
 * program that sent JSON. */
enum status outcome_status(int http);

#endif
