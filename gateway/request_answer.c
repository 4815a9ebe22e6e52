/* The ways a request is answered. Every one ends in request_respond. */
#include "gateway/http/coding.h"
#include "gateway/outcome.h"
#include "gateway/pages/debug.h"
#include "gateway/request.h"
#include "gateway/tracing.h"
#include "gateway/view.h"

#include "proto/base/die.h"

enum { COMPRESS_MIN = 1024 }; /* bytes; less fits a packet anyway */

static const char json_type[] = "application/json; charset=utf-8";
static const char text_type[] = "text/plain; charset=utf-8";

/* ---- what every answer has ----------------------------------------------------------------- */

static void add_every_header(struct request *request, struct http_response *response,
                             char id[ID_TEXT + 1])
{
    http_response_add(response, "X-Request-Id", str_from(id_print(request->id, id)));
    http_response_add(response, "X-Content-Type-Options", STR("nosniff"));
    http_response_add(response, "Cross-Origin-Resource-Policy", STR("same-origin"));
    int64_t hsts_s = request->gateway->config->gateway.hsts_s;
    if (hsts_s && request_came_by_https(request))
        http_response_add(
            response, "Strict-Transport-Security",
            str_from(arena_printf(&request->arena, "max-age=%lld", (long long)hsts_s)));
    if (request->cookie.size)
        http_response_add(response, "Set-Cookie", request->cookie);
}

/* The rule, because of BREACH: how small a page becomes tells what in it is alike. Whoever can make
 * a browser ask for a page that shows both a secret and words of his own can try the secret's
 * letters one by one. So an answer is compressed only if it is the same for everybody: its route
 * says `shared` (routes.h), and nobody's session came with the request. What holds a form's
 * request_id, what somebody typed, a receipt or a name is on routes that do not say so, or is shown
 * only to who has a session. Static files have no secrets; they are compressed beforehand. */
static bool may_compress(const struct request *request, const struct http_response *response)
{
    return request->route && request->route->shared && request->session_id.size == 0 &&
           response->status == 200 && !response->has_file;
}

/* Vary is there whether or not this answer was worth it: the next may be. */
static void compress(struct request *request, struct http_response *response, struct buf *out)
{
    if (!may_compress(request, response))
        return;
    http_response_add(response, "Vary", STR("Accept-Encoding"));
    if (response->body.size < COMPRESS_MIN || http_coding_weight(request->http, "gzip") == 0 ||
        http_coding_weight(request->http, "gzip") < http_coding_weight(request->http, "identity"))
        return;
    gzip_add(request->gateway->gzip, response->body, out);
    response->body = buf_str(out);
    http_response_add(response, "Content-Encoding", STR("gzip"));
}

void request_respond(struct request *request, struct http_response *response)
{
    char id[ID_TEXT + 1];
    struct buf compressed = {0};
    if (request->answered)
        return;
    request->answered = true;
    if (response->status == 429)
        http_response_add(
            response, "Retry-After",
            str_from(arena_printf(&request->arena, "%lld", (long long)request->retry_after_s)));
    add_every_header(request, response, id);
    compress(request, response, &compressed);
    if (request->trace)
        tracing_answer(request, response);
    http_exchange_respond(request->exchange, response); /* may end the request */
    buf_free(&compressed);
}

/* ---- kinds of answers ---------------------------------------------------------------------- */

void request_text(struct request *request, int http_status, const char *text)
{
    struct http_response response = http_response_make(http_status, text_type, str_from(text));
    request_respond(request, &response);
}

void request_redirect(struct request *request, int http_status, const char *location)
{
    if (debug_intercept(request, http_status, location))
        return;
    struct http_response response = http_response_make(http_status, text_type, STR(""));
    http_response_add(&response, "Location", str_from(location));
    http_response_add(&response, "Cache-Control", STR("no-store"));
    request_respond(request, &response);
}

/* What else the client may do. 503: 1 to 3 s, so that those who were refused together do not come
 * back together. */
static void add_advice(struct request *request, struct http_response *response)
{
    static const char *const seconds[] = {"1", "2", "3"};
    if (response->status == 503)
        http_response_add(response, "Retry-After", str_from(seconds[request->id.bytes[0] % 3]));
    else if (response->status == 405)
        http_response_add(response, "Allow",
                          http_allow(&request->arena, routes_methods(request->route)));
}

void request_json_text(struct request *request, int http_status, struct str body)
{
    struct http_response response = http_response_make(http_status, json_type, body);
    http_response_add(&response, "Cache-Control", STR("no-store"));
    http_response_add(&response, "Vary", STR("Accept, Cookie"));
    add_advice(request, &response);
    request_respond(request, &response);
}

void request_json(struct request *request, int http_status, struct buf *body)
{
    request_json_text(request, http_status, buf_str(body));
    buf_free(body);
}

static void json_status(struct request *request, int http_status, enum status status,
                        const struct request_field *fields, size_t field_count)
{
    struct buf body = {0};
    buf_printf(&body, "{\"error_code\": %d, \"error_msg\": ", status_code(status));
    json_add_text(&body, str_from(status_text(status)));
    for (size_t i = 0; i < field_count; i++) {
        buf_add_str(&body, i ? STR(", ") : STR(", \"fields\": {"));
        json_add_text(&body, str_from(fields[i].name));
        buf_add_str(&body, STR(": "));
        json_add_text(&body, str_from(fields[i].reason));
    }
    buf_add_str(&body, field_count ? STR("}}") : STR("}"));
    request_json(request, http_status, &body);
}

void request_json_status(struct request *request, enum status status,
                         const struct request_field *fields, size_t field_count)
{
    json_status(request, outcome_http(status), status, fields, field_count);
}

static void fail_page(struct request *request, int http_status)
{
    char id[ID_TEXT + 1];
    struct tpl_value page = view_page(request, "");
    view_set(request, &page, "status", tpl_int(http_status));
    view_set(request, &page, "request_id",
             tpl_text(arena_cstr(&request->arena, str_from(id_print(request->id, id)))));
    struct http_response response = {.status = http_status};
    add_advice(request, &response);
    view_respond(request, &response, "error.html", &page);
}

static void fail_text(struct request *request, int http_status)
{
    char id[ID_TEXT + 1];
    const char *text =
        http_status >= 500
            ? arena_printf(&request->arena, "%d: %s\nrequest id: %s\n", http_status,
                           http_reason(http_status), id_print(request->id, id))
            : arena_printf(&request->arena, "%d: %s", http_status, http_reason(http_status));
    struct http_response response = http_response_make(http_status, text_type, str_from(text));
    http_response_add(&response, "Cache-Control", STR("no-store"));
    add_advice(request, &response);
    request_respond(request, &response);
}

void request_fail(struct request *request, enum status status)
{
    must(status != STATUS_OK);
    if (request->answered)
        return;
    bool changes = request->http->method == HTTP_POST;
    enum request_wants wants = request_wants(request);
    if (wants == WANTS_HTML)
        fail_page(request, outcome_http(status));
    else if (wants == WANTS_JSON || changes)
        request_json_status(request, status, NULL, 0);
    else
        fail_text(request, outcome_http(status));
}

void request_fail_http(struct request *request, int http_status)
{
    if (request->answered)
        return;
    if (request_sent_json(request))
        json_status(request, http_status, outcome_status(http_status), NULL, 0);
    else if (request_wants(request) == WANTS_HTML)
        fail_page(request, http_status);
    else
        fail_text(request, http_status);
}

void request_log_in(struct request *request)
{
    enum request_wants wants = request_wants(request);
    if (wants == WANTS_JSON || (wants == WANTS_ANY && request->http->method == HTTP_POST))
        request_json_status(request, STATUS_NOT_LOGGED_IN, NULL, 0);
    else
        request_redirect(request, 302, "/login");
}
