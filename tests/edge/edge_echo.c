/* edge-echo FILE: the HTTP server of the gateway alone, on any free port of 127.0.0.1, which it
 * prints. It answers every request and writes down how it read it, a line each, in FILE:
 *
 *     peer TAB X-Stream TAB status TAB method TAB target TAB body in hex
 *
 * with nothing behind the status when that is not 200: then it was not read to its end. The line is
 * there before the answer is sent. SIGUSR1 makes it print what its allocator has handed out,
 * SIGTERM ends it. */
#include "gateway/http/event.h"
#include "gateway/http/server.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { CONNECTIONS = 20000 };

/* AddressSanitizer's, where it has taken malloc. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

struct echo {
    struct event_base *loop;
    struct http_server *server;
    int asked; /* how often for its memory */
    int file;
    struct buf line;
};

static void add_hex(struct buf *out, struct str bytes)
{
    char *at = buf_reserve(out, 2 * bytes.size + 1);
    for (size_t i = 0; i < bytes.size; i++) {
        *at++ = "0123456789abcdef"[(unsigned char)bytes.data[i] >> 4];
        *at++ = "0123456789abcdef"[bytes.data[i] & 15];
    }
    out->size += 2 * bytes.size;
}

static void write_down(struct echo *echo, const struct http_exchange *exchange, int status)
{
    const struct http_request *request = exchange->request;
    struct str stream = http_header(request, "X-Stream");
    struct buf *line = &echo->line;
    buf_reset(line);
    buf_printf(line, "%s\t%.*s\t%d\t", exchange->client, STR_ARG(stream), status);
    if (status == 200)
        buf_printf(line, "%.*s\t%.*s\t", STR_ARG(request->method_text), STR_ARG(request->target));
    if (status == 200)
        add_hex(line, request->body);
    buf_add_char(line, '\n');
    if (write(echo->file, line->data, line->size) != (ssize_t)line->size)
        event_base_loopbreak(echo->loop);
}

static void on_request(void *owner, struct http_exchange *exchange)
{
    write_down(owner, exchange, 200);
    struct http_response response = http_response_make(200, "text/plain", STR("read\n"));
    http_exchange_respond(exchange, &response);
}

static void on_error(void *owner, struct http_exchange *exchange, int status)
{
    write_down(owner, exchange, status);
    struct http_response response = http_error_response(exchange->arena, status);
    http_exchange_respond(exchange, &response);
}

static size_t memory(void)
{
    if (__sanitizer_get_current_allocated_bytes)
        return __sanitizer_get_current_allocated_bytes();
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void on_ask(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct echo *echo = arg;
    printf("memory %d: %zu bytes, %zu connections\n", ++echo->asked, memory(),
           http_server_connection_count(echo->server));
    fflush(stdout);
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    event_base_loopbreak(((struct echo *)arg)->loop);
}

int main(int argc, char **argv)
{
    char error[256];
    struct http_server_config config = HTTP_SERVER_CONFIG_DEFAULT;
    struct echo echo = {.loop = event_base_new()};
    struct http_handler handler = {.owner = &echo, .on_request = on_request, .on_error = on_error};
    echo.file = argc == 2 ? open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (echo.file < 0 || !echo.loop) {
        fprintf(stderr, "usage: edge-echo FILE\n");
        return 2;
    }
    config.port = 0;
    config.max_connections = CONNECTIONS;
    echo.server = http_server_new(echo.loop, &config, &handler, error, sizeof error);
    if (!echo.server) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    struct event *stop = evsignal_new(echo.loop, SIGTERM, on_stop, &echo);
    struct event *ask = evsignal_new(echo.loop, SIGUSR1, on_ask, &echo);
    event_add(stop, NULL);
    event_add(ask, NULL);
    printf("edge-echo on %d\n", http_server_port(echo.server));
    fflush(stdout);
    event_base_dispatch(echo.loop);
    http_server_free(echo.server);
    event_free(stop);
    event_free(ask);
    event_base_free(echo.loop);
    buf_free(&echo.line);
    return close(echo.file) == 0 ? 0 : 1;
}
