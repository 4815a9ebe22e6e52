/* server: HTTP/1.1 connections on a libevent base.
 *
 * One thread: the loop's. One request at a time on a connection, answers in order. Two system calls
 * a request in the good case: a recv and a sendmsg. Nothing here blocks. */
#ifndef VOTE_HTTP_SERVER_H
#define VOTE_HTTP_SERVER_H

#include "gateway/http/parser.h"
#include "gateway/http/response.h"

struct event_base;
struct http_server;

struct http_timeouts { /* milliseconds */
    int64_t head;      /* from a request's first byte to the end of its head */
    int64_t body;      /* from there to the end of its body, and … */
    int64_t body_rate; /* … one second more for each so many bytes of it that came */
    int64_t request;   /* for all of a request, and again for its answer; there, too, a second
                        * more for each body_rate bytes taken; 0: no limit but the others */
    int64_t idle;      /* between requests */
    int64_t write;     /* without a byte taken by the client */
    int64_t linger;    /* after the last answer, for the client to hang up */
};

struct http_server_config {
    const char *host; /* a name or an address */
    int port;         /* 0: any free one, see http_server_port */
    struct http_limits limits;
    struct http_timeouts timeouts;
    size_t max_connections;     /* one more is told 503 and closed */
    size_t max_per_client;      /* of one address, likewise; 0: any number (http/clients.h) */
    const char *const *proxies; /* borrowed until http_server_new returns: addresses that … */
    size_t proxy_count;         /* … max_per_client is not for */
    size_t output_max;          /* bytes of answers kept for slow clients, all together; one
                                 * past that is closed */
    const char *server_header;  /* borrowed; the value of Server; NULL or "": none */
};

/* idle is longer than nginx keeps a connection to us (60 s), so that nginx hangs up first. */
#define HTTP_TIMEOUTS_DEFAULT                  \
    ((struct http_timeouts){.head = 10000,     \
                            .body = 10000,     \
                            .body_rate = 1024, \
                            .request = 300000, \
                            .idle = 75000,     \
                            .write = 15000,    \
                            .linger = 2000})

#define HTTP_SERVER_CONFIG_DEFAULT                                  \
    ((struct http_server_config){.host = "127.0.0.1",               \
                                 .port = 9000,                      \
                                 .limits = HTTP_LIMITS_DEFAULT,     \
                                 .timeouts = HTTP_TIMEOUTS_DEFAULT, \
                                 .max_connections = 10000,          \
                                 .output_max = (size_t)64 << 20})

/* One request and its answer. */
struct http_exchange {
    const struct http_request *request;
    struct arena *arena; /* dies with the exchange */
    void *user;          /* the handler's own; NULL at first */
    const char *client;  /* the peer's address as text */
    int64_t started_us;  /* clock_us of the request's first byte */
};

enum { HTTP_STATUS_GONE = 499 }; /* on_done's status when the client left before the answer */

/* Who answers. Calls come from the loop, never from inside http_exchange_respond but for on_done.
 * An exchange shown in on_request or on_error ends with exactly one on_done, its last call. */
struct http_handler {
    void *owner;
    /* A request is complete. Answer now, or later from the loop. */
    void (*on_request)(void *owner, struct http_exchange *exchange);
    /* May be NULL. The connection cannot go on (status 400, 408, 413 …) and request is filled as
     * far as it could be read: target may be empty. Answer now; else a line of plain text is sent.
     */
    void (*on_error)(void *owner, struct http_exchange *exchange, int status);
    /* May be NULL. The client reset the connection before the answer: do not answer any more. */
    void (*on_gone)(void *owner, struct http_exchange *exchange);
    /* May be NULL. The answer was handed to the kernel, or the connection died. bytes_sent counts
     * head and body. The exchange is dead when this returns. */
    void (*on_done)(void *owner, struct http_exchange *exchange, int status, int64_t bytes_sent,
                    int64_t duration_us);
    /* May be NULL. After http_server_stop_accepting: the last connection is closed. */
    void (*on_drained)(void *owner);
};

/* http_server_new: listen and accept from the next turn of the loop on. Ignores SIGPIPE for the
 * process. NULL, and a line in out_error (of error_size bytes), if it cannot listen. */
struct http_server *http_server_new(struct event_base *base,
                                    const struct http_server_config *config,
                                    const struct http_handler *handler, char *out_error,
                                    size_t error_size);

/* http_server_port: the port bound. */
int http_server_port(const struct http_server *server);

/* http_server_stop_accepting: take what already waits in the backlog and in sockets, then close the
 * listener. Connections end with their answer (Connection: close), idle ones after half a second: a
 * request that is on its way, because the client does not know yet, is answered and not reset. May
 * call on_request. Again: no effect. Not from inside a handler's call. */
void http_server_stop_accepting(struct http_server *server);

size_t http_server_connection_count(const struct http_server *server);

/* http_server_free: close everything at once; exchanges in progress see on_gone and on_done. Not
 * from inside a handler's call. */
void http_server_free(struct http_server *server);

/* http_exchange_respond: the answer, exactly once, unless on_gone or on_done came before. The body
 * is copied if it cannot be sent at once; a file's descriptor is the server's from here on. The
 * exchange must not be touched after this returns. */
void http_exchange_respond(struct http_exchange *exchange, const struct http_response *response);

/* A response with `stream` (and not to HEAD) stays open: the exchange lives until on_done, which
 * comes when the client leaves, does not keep up, or with http_exchange_end or the end of the
 * server (http_server_stop_accepting ends it, too). No timer ends it, so who streams sends
 * something now and then, or never learns that a client's host is gone.
 *
 * http_exchange_send: more of it. False, after on_done, if the client is gone, or has not taken
 * what was sent before (HTTP_STREAM_MAX bytes wait for it at most); false, and nothing is sent, if
 * it was ended and its client still takes the rest. http_exchange_end: no more. */
enum { HTTP_STREAM_MAX = 65536 };
bool http_exchange_send(struct http_exchange *exchange, struct str bytes);
void http_exchange_end(struct http_exchange *exchange);

#endif
