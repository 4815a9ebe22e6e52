/* A request, in order: begin → route → address → origin → form → session → page → (asks → then)…
 * → answer → done. Each step either goes on to the next or answers. */
#include "gateway/request.h"

#include "gateway/http/cookie.h"
#include "gateway/origin.h"
#include "gateway/streams.h"
#include "gateway/tracing.h"
#include "proto/base/clock.h"
#include "proto/base/die.h"
#include "proto/base/log.h"

#include <stdlib.h>

enum { SESSION_ID_MAX = 128 };

/* ---- life ---------------------------------------------------------------------------------- */

static struct request *request_new(struct gateway *gateway, struct http_exchange *exchange)
{
    struct request *request = zeroed(sizeof *request);
    request->gateway = gateway;
    request->exchange = exchange;
    request->http = exchange->request;
    request->id = id_random();
    request->deadline_us = clock_us() + gateway->config->gateway.deadline_ms * 1000;
    exchange->user = request;
    gateway->requests++;
    return request;
}

/* It ends when its client is served or gone and no pool owes it an answer. */
static void end_if_over(struct request *request)
{
    if (request->exchange || request->asks > 0)
        return;
    struct gateway *gateway = request->gateway;
    for (struct ask *ask = request->asked; ask; ask = ask->next)
        dispatch_reply_free(ask->answer.memory);
    if (request->trace)
        tracing_end(gateway->tracing, request->trace);
    arena_free(&request->arena);
    gateway->asking -= request->may_ask;
    free(request);
    gateway->requests--;
    gateway_request_ended(gateway);
}

void request_gone(struct request *request)
{
    request->answered = true;
}

void request_done(struct request *request, int status, int64_t bytes_sent, int64_t duration_us)
{
    struct gateway *gateway = request->gateway;
    if (request->stream)
        streams_closed(request->stream);
    if (gateway->access_log)
        access_log_add(gateway->access_log, request->exchange->client, request->http, status,
                       bytes_sent, request->id, duration_us);
    log_debug("request_answered", L_ID("request", request->id), L_STR("path", request->http->path),
              L_INT("status", status), L_INT("us", duration_us));
    if (request->trace)
        tracing_sent(request, status, bytes_sent, duration_us);
    gateway->answered++;
    request->exchange = NULL;
    request->http = NULL;
    request->answered = true;
    end_if_over(request);
}

/* ---- asking pools -------------------------------------------------------------------------- */

static void on_answer(void *owner, const struct dispatch_answer *answer)
{
    struct ask *ask = owner;
    struct request *request = ask->request;
    ask->answer = *answer;
    request->asks--;
    if (answer->status != STATUS_OK && answer->error && answer->error->detail.size)
        log_info("ask_failed", L_ID("request", request->id),
                 L_TEXT("status", status_name(answer->status)),
                 L_STR("detail", answer->error->detail));
    if (ask->ask.trace)
        trace_done(ask->ask.trace, answer->status);
    if (request->asks == 0 && !request->answered) {
        void (*then)(struct request *) = request->then;
        request->then = NULL;
        must(then);
        if (request->trace)
            trace_enter(request->trace, TRACE_PAGE);
        then(request); /* may end the request */
        return;
    }
    end_if_over(request);
}

static struct ask *ask_with_id(struct request *request, unsigned message, const void *body,
                               struct id id)
{
    must(request->may_ask && request->asks < REQUEST_ASKS && !request->answered);
    struct ask *ask = arena_new(&request->arena, struct ask);
    ask->request = request;
    ask->next = request->asked;
    request->asked = ask;
    request->asks++;
    ask->ask = (struct dispatch_ask){
        .message = message,
        .body = body,
        .request_id = id,
        .deadline_us = request->deadline_us,
        .owner = ask,
        .on_answer = on_answer,
        .trace = request->trace ? trace_ask(request->trace, message_type_find(message)) : NULL,
    };
    dispatch_ask(request->gateway->dispatch, &ask->ask);
    return ask;
}

struct ask *request_ask(struct request *request, unsigned message, const void *body)
{
    return ask_with_id(request, message, body, request->id);
}

void request_ask_user(struct request *request, bool with_votes)
{
    if (request->user_id)
        request->user = request_ask(request, MESSAGE_user_get,
                                    &(struct user_get){request->user_id, with_votes});
}

void request_then(struct request *request, void (*then)(struct request *request))
{
    must(request->asks > 0);
    request->then = then;
    if (request->trace)
        trace_enter(request->trace, TRACE_WAIT);
}

void *request_page(struct request *request, size_t size)
{
    if (!request->page)
        request->page = arena_alloc(&request->arena, size);
    return request->page;
}

const void *request_need(struct request *request, const struct ask *ask)
{
    if (ask->answer.status == STATUS_OK)
        return ask->answer.reply;
    request_fail(request, ask->answer.status);
    return NULL;
}

bool request_user(struct request *request, const struct user_get_reply **out_user)
{
    *out_user = NULL;
    if (!request->user)
        return true;
    if (request->user->answer.status == STATUS_USER_UNKNOWN) {
        request_log_in(request);
        return false;
    }
    *out_user = request_need(request, request->user);
    return *out_user != NULL;
}

/* ---- the steps before a page --------------------------------------------------------------- */

static bool is_reading(const struct request *request)
{
    return request->http->method == HTTP_GET || request->http->method == HTTP_HEAD;
}

static void run_page(struct request *request)
{
    const struct route *route = request->route;
    if (!request_account_may(request))
        return;
    if (request->http->method == HTTP_POST && route->post)
        route->post(request);
    else
        route->get(request);
}

static void on_session(struct request *request)
{
    enum status status = request->session->answer.status;
    bool required = request->route->session == SESSION_REQUIRED;
    if (status == STATUS_OK) {
        const struct session_read_reply *reply = request->session->answer.reply;
        request->user_id = reply->user_id;
    } else if (required && status == STATUS_NOT_LOGGED_IN) {
        request_log_in(request);
        return;
    } else if (required) {
        request_fail(request, status);
        return;
    }
    run_page(request);
}

static bool session_id_is_good(struct str id)
{
    if (id.size == 0 || id.size > SESSION_ID_MAX)
        return false;
    for (size_t i = 0; i < id.size; i++)
        if (id.data[i] <= ' ' || id.data[i] >= 0x7f)
            return false;
    return true;
}

static void read_session(struct request *request)
{
    struct str id;
    if (http_cookie_get(request->http, request_cookie_name(request), &id) && session_id_is_good(id))
        request->session_id = arena_str(&request->arena, id);
    if (request->route->session == SESSION_NONE) {
        run_page(request);
    } else if (request->session_id.size) {
        request->session =
            request_ask(request, MESSAGE_session_read, &(struct session_read){request->session_id});
        request_then(request, on_session);
    } else if (request->route->session == SESSION_REQUIRED) {
        request_log_in(request);
    } else {
        run_page(request);
    }
}

static bool read_form(struct request *request)
{
    struct http_form_limits limits = HTTP_FORM_LIMITS_DEFAULT;
    limits.fields = (size_t)request->gateway->config->limits.form_fields;
    int problem =
        http_form_parse(&request->arena, &limits, http_header(request->http, "Content-Type"),
                        request->http->body, &request->form);
    if (problem)
        request_fail_http(request, problem);
    return problem == 0;
}

/* The table has two slots for each request that may ask pools. */
static bool keep_room(struct request *request)
{
    struct gateway *gateway = request->gateway;
    if (request->route->asks_nobody)
        return true;
    request->may_ask =
        (gateway->asking + 1) * REQUEST_ASKS <= (size_t)gateway->config->gateway.slots;
    gateway->asking += request->may_ask;
    return request->may_ask;
}

/* Under overload most of what comes is refused, and that must not cost what could be served. */
static bool is_refused(const struct request *request)
{
    return request->route->post_asks &&
           dispatch_refuses(request->gateway->dispatch, request->route->post_asks,
                            request->deadline_us);
}

void request_start(struct gateway *gateway, struct http_exchange *exchange)
{
    struct request *request = request_new(gateway, exchange);
    request->route = routes_find(request->http->path, &request->param);
    if (request->route && request->route->development && !tracing_shows(gateway->tracing, request))
        request->route = NULL;
    if (gateway->tracing)
        request->trace = tracing_begin(gateway->tracing, request);
    if (request->route && request->route->deadline == DEADLINE_PASSWORD)
        request->deadline_us +=
            (gateway->config->gateway.password_deadline_ms - gateway->config->gateway.deadline_ms) *
            1000;
    if (!request->route) {
        request_fail_http(request, 404);
    } else if (!(routes_methods(request->route) & 1U << request->http->method)) {
        request_fail_http(request, 405);
    } else if (!keep_room(request)) {
        request_fail(request, STATUS_BUSY);
    } else if (!request_address_may(request)) {
        return;
    } else if (is_reading(request)) {
        read_session(request);
    } else if (!origin_is_ours(request->http)) {
        request_fail_http(request, 403);
    } else if (is_refused(request)) {
        request_fail(request, STATUS_BUSY);
    } else if (read_form(request)) {
        read_session(request);
    }
}

void request_start_error(struct gateway *gateway, struct http_exchange *exchange, int http_status)
{
    request_fail_http(request_new(gateway, exchange), http_status);
}

/* ---- what a page reads --------------------------------------------------------------------- */

/* A number is written in one way: 01 names nothing. */
static int64_t number_of(struct str text)
{
    int64_t number;
    return text.size && text.data[0] != '0' && str_to_int64(text, &number) && number > 0 ? number
                                                                                         : 0;
}

int64_t request_number(const struct request *request)
{
    return number_of(request->param);
}

struct str request_query(struct request *request, const char *name)
{
    struct http_form query;
    struct http_form_limits limits = HTTP_FORM_LIMITS_DEFAULT;
    if (http_form_parse_query(&request->arena, &limits, request->http->query, &query) != 0)
        return (struct str){0};
    const struct http_field *field = http_form_get(&query, name);
    return field && field->valid ? field->value : (struct str){0};
}

int64_t request_query_number(struct request *request, const char *name)
{
    return number_of(request_query(request, name));
}

bool request_form_id(struct request *request, struct id *out)
{
    const struct http_field *field = http_form_get(&request->form, "request_id");
    if (!field || field->value.size == 0) {
        *out = request->id;
        return true;
    }
    return id_parse(field->value, out) && !id_is_none(*out);
}

bool request_sent_json(const struct request *request)
{
    return http_form_is_json(http_header(request->http, "Content-Type"));
}

enum request_wants request_wants(const struct request *request)
{
    if (request_sent_json(request))
        return WANTS_JSON;
    if (http_header_has(request->http, "Accept", "text/html"))
        return WANTS_HTML;
    if (http_header_has(request->http, "Accept", "application/json"))
        return WANTS_JSON;
    return WANTS_ANY;
}

bool request_reads_json(const struct request *request)
{
    return request_wants(request) != WANTS_HTML;
}

bool request_came_by_https(const struct request *request)
{
    return str_equal_nocase(http_header(request->http, "X-Scheme"), STR("https")) &&
           client_is_proxy(&request->gateway->config->gateway.trusted_proxies,
                           request->exchange->client);
}

bool request_secure(const struct request *request)
{
    return request->gateway->config->session.secure_cookie || request_came_by_https(request);
}

const char *request_cookie_name(struct request *request)
{
    const char *name = request->gateway->config->session.cookie_name;
    return request->gateway->config->session.host_prefix
               ? arena_printf(&request->arena, "__Host-%s", name)
               : name;
}

void request_set_cookie(struct request *request, struct str session_id)
{
    bool host_prefix = request->gateway->config->session.host_prefix;
    int64_t life_s = request->gateway->config->session.absolute_s;
    struct http_cookie cookie = {
        .name = str_from(request_cookie_name(request)),
        .value = session_id,
        .max_age = session_id.size ? life_s : 0,
        .secure = host_prefix || request_secure(request), /* RFC 6265bis, section 4.1.3.2 */
    };
    request->cookie = http_cookie_write(&request->arena, &cookie);
}
