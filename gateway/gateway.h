/* gateway: what one gateway process owns. One thread, one loop; nothing is shared with another. */
#ifndef VOTE_GATEWAY_GATEWAY_H
#define VOTE_GATEWAY_GATEWAY_H

#include "gateway/access_log.h"
#include "gateway/common_passwords.h"
#include "gateway/dispatch.h"
#include "gateway/gzip.h"
#include "gateway/http/server.h"
#include "gateway/static.h"
#include "gateway/throttle.h"
#include "gateway/tpl/tpl.h"
#include "proto/config/config.h"

struct event;

struct gateway {
    const struct config *config;
    struct event_base *loop;
    struct http_server *server;
    struct http_server *admin; /* NULL: not served */
    struct dispatch *dispatch;
    struct tpl_env *templates;
    struct reload *reload; /* NULL: this is no place for development */
    struct static_files *files;
    struct gzip *gzip;
    struct buf page;               /* while a page is made */
    struct access_log *access_log; /* NULL: off */
    struct throttle *throttle;
    struct common_passwords *common_passwords;
    struct tracing *tracing; /* NULL: off */
    struct event *signals[4];
    struct event *stop_timer; /* while it stops: how long it may take */
    char listen[160];         /* "http://127.0.0.1:9000" */
    size_t requests;          /* in memory now */
    size_t asking;            /* of those, for whom room to ask pools is kept */
    int64_t answered;         /* since the start */
    bool development;         /* pages have additions */
    bool stopping;
};

/* gateway_start: load templates, bind the queues, listen. NULL after one line on standard error for
 * what is wrong. config must outlive the gateway. */
struct gateway *gateway_start(const struct config *config);

/* gateway_run: serve until SIGTERM or SIGINT, then finish what runs. */
void gateway_run(struct gateway *gateway);

void gateway_free(struct gateway *gateway);

/* gateway_request_ended: a request ended; the loop may be left if it was the last. */
void gateway_request_ended(struct gateway *gateway);

#endif
