/* request: one HTTP request from the moment it is complete until its answer is sent.
 *
 * Everything of it lives in its arena. A page is written in time order: it asks pools, says what
 * comes then, and answers once. When the client goes away the request lives on until the last asked
 * pool has answered (a vote in flight completes), and nothing more is asked. */
#ifndef VOTE_GATEWAY_REQUEST_H
#define VOTE_GATEWAY_REQUEST_H

#include "gateway/client.h"
#include "gateway/gateway.h"
#include "gateway/http/form.h"
#include "gateway/routes.h"

enum { REQUEST_ASKS = 2 }; /* asked of pools at one time, at most */

/* A question to a pool and, once `then` is called, its answer. */
struct ask {
    struct request *request;
    struct ask *next; /* asked before */
    struct dispatch_ask ask;
    struct dispatch_answer answer;
};

struct trace;

struct request {
    struct gateway *gateway;
    struct http_exchange *exchange;  /* NULL once on_done was called */
    const struct http_request *http; /* likewise */
    struct arena arena;
    struct id id;
    const struct route *route;
    struct str param; /* what stands for {} in the route's path */
    bool may_ask;     /* room is kept for its asks */
    bool answered;    /* or nobody waits for an answer any more */
    int64_t deadline_us;
    struct http_form form; /* of a POST */
    struct str session_id; /* of the cookie; empty: none */
    struct str cookie;     /* the value of Set-Cookie; empty: none */
    int64_t user_id;       /* 0: nobody is logged in */
    struct ask *session;   /* session_read */
    struct ask *user;      /* user_get, where the page asked for it */
    struct ask *asked;     /* all of them, newest first */
    size_t asks;           /* still without an answer */
    void (*then)(struct request *request);
    int64_t retry_after_s; /* what an answer 429 says */
    struct trace *trace;   /* NULL: not traced */
    void *page;            /* the page's own state, in arena */
    struct stream *stream; /* NULL: the answer has an end */
};

/* ---- for the gateway ----------------------------------------------------------------------------
 ---- */

/* request_start: take on a complete request; its answer comes now or later. */
void request_start(struct gateway *gateway, struct http_exchange *exchange);

/* request_start_error: answer one that could not be read (see http_handler.on_error). */
void request_start_error(struct gateway *gateway, struct http_exchange *exchange, int http_status);

/* request_gone, request_done: see http_handler. */
void request_gone(struct request *request);
void request_done(struct request *request, int status, int64_t bytes_sent, int64_t duration_us);

/* ---- for pages ----------------------------------------------------------------------------- */

/* request_ask: ask a pool; `body` is the struct of that message. The answer is there when the
 * function given to request_then runs. The pointer lives as long as the request. */
struct ask *request_ask(struct request *request, unsigned message, const void *body);

/* request_ask_user: ask who the logged-in user is (request->user), for a page that shows a name.
 * Nothing is asked if nobody is logged in. */
void request_ask_user(struct request *request, bool with_votes);

/* request_then: what to do when every ask has its answer; from the loop, never at once. Something
 * must have been asked. */
void request_then(struct request *request, void (*then)(struct request *request));

/* request_page: the page's own state, zeroed, made at its first use. */
void *request_page(struct request *request, size_t size);

/* request_need: the reply of an ask that must be OK. Otherwise answers with its status and returns
 * NULL: the page returns. */
const void *request_need(struct request *request, const struct ask *ask);

/* request_user: the reply to request_ask_user, or NULL if nobody is logged in. False, and answered,
 * if it failed or if the account is gone. */
bool request_user(struct request *request, const struct user_get_reply **out_user);

/* request_number: param as a number from 1, or 0 if it is none ("1abc", "01", too
 * large). */
int64_t request_number(const struct request *request);

/* request_query_number: a field of the query string, or 0 if absent or no positive number.
 * request_query: its text, empty if absent. */
int64_t request_query_number(struct request *request, const char *name);
struct str request_query(struct request *request, const char *name);

/* request_form_id: the form's request_id, or a new one if it has none. False if it is malformed. */
bool request_form_id(struct request *request, struct id *out);

/* request_sent_json: is its body JSON? Then so is every answer to it. */
bool request_sent_json(const struct request *request);

/* Who asks? A browser takes text/html; a program may ask for JSON; curl says neither. */
enum request_wants { WANTS_ANY, WANTS_HTML, WANTS_JSON };
enum request_wants request_wants(const struct request *request);

/* request_reads_json: is the answer of a route that changes something to be JSON? */
bool request_reads_json(const struct request *request);

/* request_came_by_https: a trusted proxy says so (X-Scheme). */
bool request_came_by_https(const struct request *request);

/* request_cookie_name: session.cookie_name, with its prefix. In arena or static. */
const char *request_cookie_name(struct request *request);

/* request_set_cookie: the answer, whatever it is, gives the client this session; empty: ends its
 * session. */
void request_set_cookie(struct request *request, struct str session_id);

/* request_secure: did the client come by TLS (session.secure_cookie, or X-Scheme of a trusted
 * proxy)? */
bool request_secure(const struct request *request);

/* request_client: where it comes from, see client_of. */
struct client request_client(const struct request *request);

/* request_is_developer: is its client one of debug.hosts, come by an address or as localhost? By a
 * public name comes the public, and who is lured (client_host_is_local). Not what a proxy passed on
 * without saying, in the one way that is believed, for whom: its own address may well be one of
 * them. */
bool request_is_developer(const struct request *request);

/* request_address_may, request_account_may: one more vote or page from this address, by this user.
 * False, and answered 429, if that is too many. Each once, when it is known. */
bool request_address_may(struct request *request);
bool request_account_may(struct request *request);

/* request_count_attempt: ask whether this log-in or registration may be tried (attempt_count).
 * request_may_attempt: the answer. False, and answered, if not: by the page's refuse with
 * TOO_MANY_ATTEMPTS, and retry_after_s is set; or by request_fail where it is not known.
 * request_clear_attempt: tell that it succeeded. */
struct ask *request_count_attempt(struct request *request, const char *kind, struct str account);
bool request_may_attempt(struct request *request, const struct ask *ask,
                         void (*refuse)(struct request *request, enum status status));
struct ask *request_clear_attempt(struct request *request, const char *kind, struct str account);

/* Answers, each exactly once for a request; one whose client has gone is dropped. */
void request_respond(struct request *request, struct http_response *response);
void request_text(struct request *request, int http_status, const char *text);
void request_redirect(struct request *request, int http_status, const char *location);

/* request_json: a JSON body, in a buffer that is freed here. request_json_text: borrowed. */
void request_json(struct request *request, int http_status, struct buf *body);
void request_json_text(struct request *request, int http_status, struct str body);

/* request_json_status: {"error_code": …, "error_msg": …} and, for INVALID, "fields". */
struct request_field {
    const char *name, *reason;
};
void request_json_status(struct request *request, enum status status,
                         const struct request_field *fields, size_t field_count);

/* request_fail: the answer to a status that is not OK, as a page, JSON or text: whoever asks. */
void request_fail(struct request *request, enum status status);

/* request_fail_http: likewise for an HTTP error of our own (404, 405, 413…). */
void request_fail_http(struct request *request, int http_status);

/* request_log_in: send somebody who is not logged in to the log-in page, or 401. */
void request_log_in(struct request *request);

#endif
