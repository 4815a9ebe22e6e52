/* debug: the toolbar's pages, for who is in debug.hosts; elsewhere there are no such paths. */
#ifndef VOTE_GATEWAY_PAGES_DEBUG_H
#define VOTE_GATEWAY_PAGES_DEBUG_H

#include "gateway/request.h"

/* debug_wanted, debug_add_button: the toolbar as an addition to pages (development.c). */
bool debug_wanted(const struct config *config);
void debug_add_button(struct request *request, struct buf *out);

/* debug_intercept: show a redirect instead of following it. False: it is to be followed. */
bool debug_intercept(struct request *request, int http_status, const char *location);

void debug_history_get(struct request *request); /* the last requests, live */
void debug_rows_get(struct request *request);    /* its table alone, for the script */
void debug_request_get(struct request *request); /* one request */
void debug_site_get(struct request *request);    /* pools, routes, settings, versions */
void debug_kill_post(struct request *request);   /* kill a pool of this host */

#endif
