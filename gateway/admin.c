#include "gateway/admin.h"

enum { CONNECTIONS = 64 };

/* Who scrapes is near and asks quickly; nobody may hold the few connections for long. */
static const struct http_timeouts timeouts = {.head = 5000,
                                              .body = 5000,
                                              .body_rate = 1024,
                                              .request = 10000,
                                              .idle = 35000, /* two scrapes of fifteen seconds */
                                              .write = 10000,
                                              .linger = 1000};

static const char text_type[] = "text/plain; charset=utf-8";

const char *admin_missing(const struct gateway *gateway, struct arena *arena)
{
    static const enum service needed[] = {SERVICE_DB, SERVICE_SESSION, SERVICE_PASSWORD};
    const char *missing = "";
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (dispatch_pools(gateway->dispatch, needed[i]) == 0)
            missing = arena_printf(arena, "%s %s", missing, service_name(needed[i]));
    return missing;
}

static void respond(struct http_exchange *exchange, struct http_response *response)
{
    http_response_add(response, "X-Content-Type-Options", STR("nosniff"));
    http_response_add(response, "Cache-Control", STR("no-store"));
    http_response_add(response, "Content-Security-Policy", STR("default-src 'none'"));
    http_exchange_respond(exchange, response);
}

static void metrics_get(struct gateway *gateway, struct http_exchange *exchange)
{
    struct buf text = {0};
    dispatch_metrics(gateway->dispatch, &text);
    struct http_response response =
        http_response_make(200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&text));
    respond(exchange, &response);
    buf_free(&text);
}

static void status_get(struct gateway *gateway, struct http_exchange *exchange)
{
    struct buf text = {0};
    struct gateway_status_reply status = dispatch_status(gateway->dispatch, exchange->arena);
    message_pack(record_gateway_status_reply(), &status, &text);
    struct http_response response =
        http_response_make(200, "application/json; charset=utf-8", buf_str(&text));
    respond(exchange, &response);
    buf_free(&text);
}

static void healthz_get(struct gateway *gateway, struct http_exchange *exchange)
{
    (void)gateway;
    struct http_response response = http_response_make(200, text_type, STR("ok\n"));
    respond(exchange, &response);
}

static void readyz_get(struct gateway *gateway, struct http_exchange *exchange)
{
    const char *missing = admin_missing(gateway, exchange->arena);
    const char *text =
        *missing ? arena_printf(exchange->arena, "no pool of:%s\n", missing) : "ready\n";
    struct http_response response =
        http_response_make(*missing ? 503 : 200, text_type, str_from(text));
    respond(exchange, &response);
}

static const struct {
    const char *path;
    void (*get)(struct gateway *gateway, struct http_exchange *exchange);
} pages[] = {
    {"/metrics", metrics_get},
    {"/status.json", status_get},
    {"/healthz", healthz_get},
    {"/readyz", readyz_get},
};

static void on_request(void *owner, struct http_exchange *exchange)
{
    const struct http_request *request = exchange->request;
    struct http_response response = http_error_response(exchange->arena, 404);
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (!str_equal(request->path, str_from(pages[i].path)))
            continue;
        if (request->method == HTTP_GET || request->method == HTTP_HEAD) {
            pages[i].get(owner, exchange);
            return;
        }
        response = http_error_response(exchange->arena, 405);
        http_response_add(&response, "Allow", STR("GET,HEAD"));
    }
    respond(exchange, &response);
}

static void on_error(void *owner, struct http_exchange *exchange, int status)
{
    (void)owner;
    struct http_response response = http_error_response(exchange->arena, status);
    respond(exchange, &response);
}

struct http_server *admin_listen(struct gateway *gateway, char *out_error, size_t error_size)
{
    struct http_server_config config = HTTP_SERVER_CONFIG_DEFAULT;
    config.host = gateway->config->gateway.admin_host;
    config.port = (int)gateway->config->gateway.admin_port;
    config.max_connections = CONNECTIONS;
    config.timeouts = timeouts;
    struct http_handler handler = {
        .owner = gateway, .on_request = on_request, .on_error = on_error};
    return http_server_new(gateway->loop, &config, &handler, out_error, error_size);
}
