/* http_world: a server and its clients in one loop, for the tests of http/server. Nothing sleeps: a
 * test runs the loop until what it waits for is there, or fails at its deadline. */
#ifndef VOTE_TEST_HTTP_WORLD_H
#define VOTE_TEST_HTTP_WORLD_H

#include "gateway/http/connection.h"
#include "proto/base/clock.h"
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET(path)   "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST_100    "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
#define BIG         ((size_t)3 << 20)
#define HELD_MAX    4
#define DEADLINE_MS 5000

struct client {
    int fd;
    struct event *readable;
    struct buf in;
    bool paused, eof, reset;
};

struct world {
    struct event_base *base;
    struct event *tick;
    struct http_server *server;
    struct http_exchange *held[HELD_MAX]; /* /later */
    int held_count, requests, gone, done, drained, errors;
    int last_status;
    int64_t last_bytes;
    bool own_errors;
    char *big;
    int file;
    uintptr_t lowest_frame, highest_frame;
};

/* ---- the handler --------------------------------------------------------------------------- */

static inline void answer(struct http_exchange *exchange, const char *text)
{
    struct http_response response = http_response_make(200, "text/plain", str_from(text));
    http_exchange_respond(exchange, &response);
}

static inline void answer_path(struct http_exchange *exchange)
{
    answer(exchange, arena_cstr(exchange->arena, exchange->request->path));
}

static inline void answer_with(struct http_exchange *exchange, struct str body, int file)
{
    struct http_response response = http_response_make(200, NULL, body);
    if (file >= 0) {
        response.has_file = true;
        response.file = (struct http_file){.fd = dup(file), .offset = 1, .size = BIG - 1};
    }
    http_exchange_respond(exchange, &response);
}

static inline void begin_stream(struct world *world, struct http_exchange *exchange)
{
    struct http_response response = http_response_make(200, "text/event-stream", STR("one,"));
    response.stream = true;
    world->held[world->held_count++ % HELD_MAX] = exchange;
    http_exchange_respond(exchange, &response);
}

static inline void on_request(void *owner, struct http_exchange *exchange)
{
    struct world *world = owner;
    struct str path = exchange->request->path;
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    if (!world->requests++)
        world->lowest_frame = world->highest_frame = frame;
    world->lowest_frame = frame < world->lowest_frame ? frame : world->lowest_frame;
    world->highest_frame = frame > world->highest_frame ? frame : world->highest_frame;
    exchange->user = world;
    if (str_starts(path, STR("/later")))
        world->held[world->held_count++ % HELD_MAX] = exchange;
    else if (str_equal(path, STR("/echo")))
        answer_with(exchange, exchange->request->body, -1);
    else if (str_equal(path, STR("/big")))
        answer_with(exchange, str_make(world->big, BIG), -1);
    else if (str_equal(path, STR("/stream")))
        begin_stream(world, exchange);
    else if (str_equal(path, STR("/file")))
        answer_with(exchange, STR(""), world->file);
    else
        answer_path(exchange);
}

static inline void on_error(void *owner, struct http_exchange *exchange, int status)
{
    struct world *world = owner;
    world->errors++;
    exchange->user = world;
    if (!world->own_errors)
        return;
    struct http_response response = http_response_make(status, NULL, STR("ours"));
    http_exchange_respond(exchange, &response);
}

static inline void on_gone(void *owner, struct http_exchange *exchange)
{
    struct world *world = owner;
    world->gone += exchange->user == world;
}

static inline void on_done(void *owner, struct http_exchange *exchange, int status,
                           int64_t bytes_sent, int64_t duration_us)
{
    struct world *world = owner;
    world->done += exchange->user == world && duration_us >= 0;
    world->last_status = status;
    world->last_bytes = bytes_sent;
}

static inline void on_drained(void *owner)
{
    ((struct world *)owner)->drained++;
}

/* ---- the world ----------------------------------------------------------------------------- */

static inline void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
}

static struct world world;

#define AWAIT(condition)                                  \
    do {                                                  \
        int64_t test_deadline = clock_ms() + DEADLINE_MS; \
        while (!(condition)) {                            \
            if (clock_ms() > test_deadline)               \
                TEST_FAIL("%s did not come", #condition); \
            event_base_loop(world.base, EVLOOP_ONCE);     \
        }                                                 \
    } while (0)

static inline void world_open(struct http_server_config config)
{
    struct http_handler handler = {.owner = &world,
                                   .on_request = on_request,
                                   .on_error = on_error,
                                   .on_gone = on_gone,
                                   .on_done = on_done,
                                   .on_drained = on_drained};
    char error[256] = "";
    world = (struct world){.base = event_base_new(), .file = -1};
    config.port = 0;
    world.server = http_server_new(world.base, &config, &handler, error, sizeof error);
    CHECK_STR(str_from(error), "");
    world.tick = event_new(world.base, -1, EV_PERSIST, on_tick, NULL);
    event_add(world.tick, &(struct timeval){.tv_usec = 2000});
    world.big = malloc(BIG);
    for (size_t i = 0; i < BIG; i++)
        world.big[i] = (char)(i * 31 >> 3);
}

static inline void world_close(void)
{
    if (world.server)
        http_server_free(world.server);
    event_free(world.tick);
    event_base_free(world.base);
    if (world.file >= 0)
        close(world.file);
    free(world.big);
}

static inline void world_file(void)
{
    world.file = memfd_create("vote-test", MFD_CLOEXEC);
    CHECK_INT(write(world.file, world.big, BIG), (long long)BIG);
}

static inline struct http_server_config defaults(void)
{
    return HTTP_SERVER_CONFIG_DEFAULT;
}

/* ---- clients ------------------------------------------------------------------------------- */

static inline void on_client(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct client *client = arg;
    ssize_t n = recv(fd, buf_reserve(&client->in, 65536), 65536, MSG_DONTWAIT);
    if (n > 0) {
        client->in.size += (size_t)n;
    } else if (n == 0 || errno != EAGAIN) {
        client->eof = n == 0;
        client->reset = n < 0;
        event_del(client->readable);
    }
}

static inline void client_open_with(struct client *client, int receive_buffer)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)http_server_port(world.server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *client = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (receive_buffer)
        setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    CHECK_INT(connect(client->fd, (struct sockaddr *)&at, sizeof at), 0);
    fcntl(client->fd, F_SETFL, O_NONBLOCK);
    client->readable = event_new(world.base, client->fd, EV_READ | EV_PERSIST, on_client, client);
    if (!receive_buffer)
        event_add(client->readable, NULL);
}

static inline void client_open(struct client *client)
{
    client_open_with(client, 0);
}

static inline void client_send(struct client *client, struct str bytes)
{
    int64_t deadline = clock_ms() + DEADLINE_MS;
    while (bytes.size) {
        ssize_t n = send(client->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        CHECK(n >= 0 || errno == EAGAIN);
        CHECK(clock_ms() < deadline);
        if (n > 0)
            bytes = str_make(bytes.data + n, bytes.size - (size_t)n);
        else
            event_base_loop(world.base, EVLOOP_ONCE);
    }
}

static inline void client_close(struct client *client)
{
    event_free(client->readable);
    close(client->fd);
    buf_free(&client->in);
}

static inline size_t count_of(const struct client *client, const char *text)
{
    size_t count = 0, size = strlen(text);
    if (!client->in.size)
        return 0;
    const char *at = client->in.data, *end = at + client->in.size;
    while (at && (at = memmem(at, (size_t)(end - at), text, size))) {
        count++;
        at += size;
    }
    return count;
}

static inline bool ends_with(const struct client *client, const char *text)
{
    return str_ends(buf_str(&client->in), str_from(text));
}

/* One request, one answer that ends so. */
static inline void ask(struct client *client, const char *request, const char *end)
{
    client_send(client, str_from(request));
    AWAIT(ends_with(client, end));
}

#endif
