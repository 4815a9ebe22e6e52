/* routes: which page answers which path, and what it needs first. One table. */
#ifndef VOTE_GATEWAY_ROUTES_H
#define VOTE_GATEWAY_ROUTES_H

#include "gateway/http/request.h"

struct request;

enum route_session {
    SESSION_NONE,     /* the page does not ask who it is */
    SESSION_OPTIONAL, /* request->user_id, if somebody is logged in */
    SESSION_REQUIRED  /* without: to the log-in page, or 401 */
};

/* What a request counts as where accounts and addresses have limits (section throttle of the
 * configuration). Log-ins and registrations are counted by their pages. */
enum route_count {
    COUNT_READS, /* GET and HEAD */
    COUNT_VOTES, /* POST */
    COUNT_NOTHING
};

/* Which setting says how much time a request has. */
enum route_deadline {
    DEADLINE_USUAL,   /* gateway.deadline_ms */
    DEADLINE_PASSWORD /* gateway.password_deadline_ms: a password is hashed for it */
};

struct route {
    const char *name; /* for url(); NULL: not linked to */
    const char *path; /* "{}" stands for one segment, "{*}" at the end for all that follows */
    enum route_session session;
    void (*get)(struct request *request);  /* GET and HEAD; NULL: 405 */
    void (*post)(struct request *request); /* NULL: 405 */
    enum route_deadline deadline;
    enum route_count count;
    unsigned post_asks; /* the message a POST is for, 0: none named. While that would be refused, so
                         * is the request, before its session is read */
    bool development;   /* of the toolbar: elsewhere there is no such path */
    bool asks_nobody;   /* no pool: it is served however many wait for one */
    bool shared;        /* without a session all get the same answer, no secret in it: it may be
                         * compressed (request_answer.c says why only then) */
};

/* routes_find: the route of a decoded path, and what stands for {}, or NULL. The first match wins.
 */
const struct route *routes_find(struct str path, struct str *out_param);

/* routes_named: by name, or NULL. */
const struct route *routes_named(struct str name);

/* routes_all: the table, for tests. */
const struct route *routes_all(size_t *out_count);

/* routes_methods: bits 1 << enum http_method of what a route answers. */
unsigned routes_methods(const struct route *route);

/* routes_url: the path of a route, with number for its {} if it has one. In arena or static. */
const char *routes_url(struct arena *arena, const struct route *route, int64_t number);

#endif
