/* edge-echo FILE: the HTTP server of the gateway alone, on any free port of 127.0.0.1, which it
 * prints. It answers every request and writes down how it read it, a line each, in FILE:
 *
 *     peer TAB X-Stream TAB status TAB method TAB target TAB body in hex
 *
 * with nothing behind the status when that is not 200: then it was not read to its end. The line is
 * there before the answer is sent. SIGTERM ends it. */
#include "gateway/http/event.h"
#include "gateway/http/server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

struct echo {
    struct event_base *loop;
    int file;
    struct buf line;
};

static void write_down(struct echo *echo, const struct http_exchange *exchange, int status)
{
    const struct http_request *request = exchange->request;
    struct str stream = http_header(request, "X-Stream");
    struct buf *line = &echo->line;
    buf_reset(line);
    buf_printf(line, "%s\t%.*s\t%d\t", exchange->client, STR_ARG(stream), status);
    if (status == 200)
        buf_printf(line, "%.*s\t%.*s\t", STR_ARG(request->method_text), STR_ARG(request->target));
    for (size_t i = 0; status == 200 && i < request->body.size; i++)
        buf_printf(line, "%02x", (unsigned char)request->body.data[i]);
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
    struct http_server *server = http_server_new(echo.loop, &config, &handler, error, sizeof error);
    if (!server) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    struct event *stop = evsignal_new(echo.loop, SIGTERM, on_stop, &echo);
    event_add(stop, NULL);
    printf("edge-echo on %d\n", http_server_port(server));
    fflush(stdout);
    event_base_dispatch(echo.loop);
    http_server_free(server);
    event_free(stop);
    event_base_free(echo.loop);
    buf_free(&echo.line);
    return close(echo.file) == 0 ? 0 : 1;
}
