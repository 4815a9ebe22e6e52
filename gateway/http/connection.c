/* The rule: nothing is freed that a caller further up may still look at. A connection's memory goes
 * in server->reap; an exchange's at the end of the function that looks at it, or, when it is
 * answered later, with the answer. Answers given inside on_request return to the loop in advance(),
 * so that a thousand pipelined requests need no deeper stack than one. */
#include "gateway/http/connection.h"

#include "proto/base/clock.h"
#include "proto/base/die.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SMALL_BODY = 4096 }; /* bytes: cheaper to copy behind the head than to send beside it */

/* ---- deadlines: one timer, moved only when it would come too late -------------------------- */

static void arm(struct http_connection *connection)
{
    int64_t left = connection->deadline_us - clock_us();
    if (left < 0)
        left = 0;
    struct timeval after = {.tv_sec = left / 1000000, .tv_usec = left % 1000000};
    evtimer_add(&connection->wake, &after);
    connection->armed_us = connection->deadline_us;
}

static void enter(struct http_connection *connection, enum http_phase phase, int64_t deadline_us)
{
    connection->phase = phase;
    connection->deadline_us = deadline_us;
    if (deadline_us && (!connection->armed_us || deadline_us < connection->armed_us))
        arm(connection);
}

void connection_hurry(struct http_connection *connection, int64_t ms)
{
    int64_t deadline_us = clock_us() + ms * 1000;
    if (deadline_us < connection->deadline_us)
        enter(connection, connection->phase, deadline_us);
}

/* The sooner of a deadline and the end of what a whole request, or its answer, may take. */
static int64_t within_request(const struct http_connection *connection, int64_t deadline_us,
                              int64_t start_us, int64_t bytes)
{
    const struct http_timeouts *timeouts = &connection->server->config.timeouts;
    int64_t end_us = start_us + timeouts->request * 1000 + bytes * 1000000 / timeouts->body_rate;
    return timeouts->request && end_us < deadline_us ? end_us : deadline_us;
}

/* ---- exchanges ----------------------------------------------------------------------------- */

static void exchange_free(struct exchange *exchange)
{
    http_parser_free(&exchange->parser);
    arena_free(&exchange->arena);
    free(exchange);
}

static struct exchange *exchange_begin(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    struct exchange *exchange = zeroed(sizeof *exchange);
    http_parser_init(&exchange->parser, &exchange->arena, &server->config.limits);
    exchange->connection = connection;
    exchange->shown = (struct http_exchange){.request = &exchange->parser.request,
                                             .arena = &exchange->arena,
                                             .client = connection->client,
                                             .started_us = clock_us()};
    connection->exchange = exchange;
    int64_t start_us = exchange->shown.started_us;
    enter(connection, PHASE_HEAD,
          within_request(connection, start_us + server->config.timeouts.head * 1000, start_us, 0));
    return exchange;
}

static void exchange_end(struct http_connection *connection, int64_t now_us)
{
    struct exchange *exchange = connection->exchange;
    const struct http_handler *handler = &connection->server->handler;
    connection->exchange = NULL;
    if (exchange->announced && handler->on_done)
        handler->on_done(handler->owner, &exchange->shown,
                         exchange->status ? exchange->status : HTTP_STATUS_GONE, exchange->sent,
                         now_us - exchange->shown.started_us);
    exchange->over = true;
    if (!connection->advancing)
        exchange_free(exchange);
}

void connection_close(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    struct exchange *exchange = connection->exchange;
    if (connection->phase == PHASE_CLOSED)
        return;
    connection->phase = PHASE_CLOSED;
    event_del(&connection->readable);
    event_del(&connection->writable);
    event_del(&connection->wake);
    close(connection->fd);
    output_free(&connection->output);
    server->kept -= connection->kept;
    connection->kept = 0;
    http_clients_leave(server->clients, &connection->client_key);
    if (exchange) {
        if (exchange->announced && !exchange->status && server->handler.on_gone)
            server->handler.on_gone(server->handler.owner, &exchange->shown);
        exchange_end(connection, clock_us());
    }
    *(connection->previous ? &connection->previous->next : &server->connections) = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    server->count--;
    connection->next_dead = server->dead; /* next stays: somebody may be walking the list */
    server->dead = connection;
    event_active(&server->reap, EV_TIMEOUT, 0);
}

/* A full input stops reading until the request in progress is answered. */
static void set_reading(struct http_connection *connection)
{
    bool reading = !connection->eof && connection->input.size < HTTP_INPUT_MAX;
    if (connection->reading != reading)
        reading ? event_add(&connection->readable, NULL) : event_del(&connection->readable);
    connection->reading = reading;
}

/* RFC 9112 section 9.6: closing with bytes unread would reset the connection, and the client might
 * lose the answer. */
static void linger(struct http_connection *connection)
{
    if (connection->eof || shutdown(connection->fd, SHUT_WR) < 0) {
        connection_close(connection);
        return;
    }
    enter(connection, PHASE_LINGER, clock_us() + connection->server->config.timeouts.linger * 1000);
    if (!connection->advancing) {
        buf_free(&connection->input);
        set_reading(connection);
    }
}

/* ---- writing ------------------------------------------------------------------------------- */

static void set_writing(struct http_connection *connection, bool writing)
{
    if (connection->writing != writing)
        writing ? event_add(&connection->writable, NULL) : event_del(&connection->writable);
    connection->writing = writing;
}

static void answer_sent(struct http_connection *connection)
{
    bool keep_alive = connection->exchange->keep_alive;
    int64_t now_us = clock_us();
    exchange_end(connection, now_us);
    if (!keep_alive) {
        linger(connection);
        return;
    }
    enter(connection, PHASE_IDLE, now_us + connection->server->config.timeouts.idle * 1000);
    if (!connection->advancing && (connection->input.size || connection->eof))
        event_active(&connection->wake, EV_TIMEOUT, 0);
}

/* Closes the connection, and returns false, if too much waits for slow clients. */
static bool count_kept(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    size_t kept = connection->output.bytes.size;
    server->kept += kept - connection->kept;
    connection->kept = kept;
    if (kept == 0 || server->kept <= server->config.output_max)
        return true;
    connection_close(connection);
    return false;
}

static void enter_write(struct http_connection *connection, int64_t now_us)
{
    const struct exchange *exchange = connection->exchange;
    enter(connection, PHASE_WRITE,
          within_request(connection, now_us + connection->server->config.timeouts.write * 1000,
                         exchange->answered_us, exchange->sent));
}

/* As much of output and file as the socket takes. In PHASE_WRITE the end of it ends the answer. */
static void flush(struct http_connection *connection)
{
    int64_t sent = 0;
    bool alive = output_flush(&connection->output, connection->fd, &sent);
    if (connection->exchange)
        connection->exchange->sent += sent;
    if (!alive) {
        connection_close(connection);
        return;
    }
    if (!count_kept(connection))
        return;
    set_writing(connection, !output_is_empty(&connection->output));
    if (connection->phase != PHASE_WRITE)
        return;
    if (!connection->writing)
        answer_sent(connection);
    else if (sent)
        enter_write(connection, clock_us());
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    flush(arg);
}

void http_exchange_respond(struct http_exchange *shown, const struct http_response *response)
{
    struct exchange *exchange = (struct exchange *)shown;
    struct http_connection *connection = exchange->connection;
    struct http_server *server = connection->server;
    const struct http_request *request = shown->request;
    must(connection->phase == PHASE_WAIT && !exchange->status);
    exchange->status = response->status;
    exchange->keep_alive = request->keep_alive && !response->close && !response->stream &&
                           !exchange->failed && !server->stopping;

    struct http_response_frame frame = {.date = http_date_at(&server->date, time(NULL)),
                                        .server = str_from(server->config.server_header),
                                        .minor = request->minor,
                                        .keep_alive = exchange->keep_alive};
    buf_reset(&server->head);
    http_response_write_head(response, &frame, &server->head);
    bool has_body = http_response_has_body(response, request->method == HTTP_HEAD);
    bool has_file = has_body && response->has_file && response->file.size > 0;
    if (has_file)
        connection->output.file = response->file;
    else if (response->has_file)
        close(response->file.fd);
    struct str body = has_body && !response->has_file ? response->body : STR("");
    if (body.size <= SMALL_BODY) {
        buf_add_str(&server->head, body);
        body = STR("");
    }

    exchange->answered_us = clock_us();
    if (response->stream && has_body && !server->stopping)
        enter(connection, PHASE_STREAM, 0);
    else
        enter_write(connection, exchange->answered_us);
    if (output_send(&connection->output, connection->fd, buf_str(&server->head), body, has_file,
                    &exchange->sent))
        flush(connection);
    else
        connection_close(connection);
}

bool http_exchange_send(struct http_exchange *shown, struct str bytes)
{
    struct exchange *exchange = (struct exchange *)shown;
    struct http_connection *connection = exchange->connection;
    if (connection->phase != PHASE_STREAM)
        return false;
    if (connection->output.bytes.size + bytes.size <= HTTP_STREAM_MAX &&
        output_send(&connection->output, connection->fd, bytes, STR(""), false, &exchange->sent))
        flush(connection);
    else
        connection_close(connection);
    return connection->phase == PHASE_STREAM;
}

void http_exchange_end(struct http_exchange *shown)
{
    struct http_connection *connection = ((struct exchange *)shown)->connection;
    must(connection->phase == PHASE_STREAM);
    enter_write(connection, clock_us());
    flush(connection);
}

/* ---- reading ------------------------------------------------------------------------------- */

/* The exchange is over for its connection: tell the handler, or say it in plain text. */
static void fail(struct http_connection *connection, int status)
{
    const struct http_handler *handler = &connection->server->handler;
    struct exchange *exchange = connection->exchange;
    enter(connection, PHASE_WAIT, 0);
    exchange->failed = true;
    exchange->announced = true;
    if (handler->on_error)
        handler->on_error(handler->owner, &exchange->shown, status);
    if (!exchange->status && !exchange->over) {
        struct http_response response = http_error_response(&exchange->arena, status);
        http_exchange_respond(&exchange->shown, &response);
    }
}

static void send_continue(struct http_connection *connection)
{
    int64_t sent = 0;
    if (output_send(&connection->output, connection->fd, STR("HTTP/1.1 100 Continue\r\n\r\n"),
                    STR(""), false, &sent))
        flush(connection);
    else
        connection_close(connection);
}

/* Each KiB that came earns a second more. */
static void on_body_bytes(struct http_connection *connection, struct exchange *exchange,
                          bool nothing_behind_head)
{
    const struct http_timeouts *timeouts = &connection->server->config.timeouts;
    bool first = !exchange->body_started_us;
    if (first)
        exchange->body_started_us = clock_us();
    int64_t earned_us = (int64_t)exchange->parser.body.size * 1000000 / timeouts->body_rate;
    int64_t deadline_us = exchange->body_started_us + timeouts->body * 1000 + earned_us;
    enter(connection, PHASE_BODY,
          within_request(connection, deadline_us, exchange->shown.started_us, 0));
    if (first && nothing_behind_head && exchange->parser.request.expect_continue)
        send_continue(connection);
}

static void on_parsed(struct http_connection *connection, struct exchange *exchange,
                      bool input_empty)
{
    const struct http_handler *handler = &connection->server->handler;
    switch (exchange->parser.state) {
    case HTTP_PARSE_HEAD:
        break;
    case HTTP_PARSE_BODY:
        on_body_bytes(connection, exchange, input_empty && !exchange->parser.body.size);
        break;
    case HTTP_PARSE_DONE:
        enter(connection, PHASE_WAIT, 0);
        exchange->announced = true;
        handler->on_request(handler->owner, &exchange->shown);
        break;
    case HTTP_PARSE_FAILED:
        fail(connection, exchange->parser.status);
        break;
    }
}

/* Feeds requests to the handler until one stays with it; returns the bytes used. */
static size_t parse(struct http_connection *connection, struct str input)
{
    size_t taken = 0;
    connection->advancing = true;
    while (taken < input.size && connection->phase <= PHASE_BODY) {
        struct exchange *exchange = connection->exchange;
        if (!exchange)
            exchange = exchange_begin(connection);
        taken +=
            http_parser_feed(&exchange->parser, str_make(input.data + taken, input.size - taken));
        on_parsed(connection, exchange, taken == input.size);
        if (exchange->over)
            exchange_free(exchange);
    }
    connection->advancing = false;
    return taken;
}

/* Goes on with what waited in input and what was read just now. */
static void advance(struct http_connection *connection, struct str fresh)
{
    struct buf *input = &connection->input;
    if (input->size) {
        buf_add_str(input, fresh);
        buf_consume(input, parse(connection, buf_str(input)));
    } else {
        size_t taken = parse(connection, fresh);
        buf_add(input, fresh.data + taken, fresh.size - taken);
    }
    if (connection->phase == PHASE_CLOSED)
        return;
    if (connection->phase == PHASE_LINGER || input->size == 0)
        buf_free(input);
    /* What is still incomplete now will stay so; who listened has left. */
    if (connection->eof && (connection->phase <= PHASE_BODY || connection->phase == PHASE_STREAM))
        connection_close(connection);
    else
        set_reading(connection);
}

static void drain(struct http_connection *connection, size_t size)
{
    connection->drained += size;
    if (connection->eof || connection->drained > HTTP_DRAIN_MAX)
        connection_close(connection);
}

void connection_read(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    size_t room = HTTP_INPUT_MAX - connection->input.size;
    if (connection->phase == PHASE_CLOSED || connection->eof || room == 0)
        return;
    ssize_t n = recv(connection->fd, server->input, room, 0);
    if (n < 0) {
        if (!errno_is_transient(errno))
            connection_close(connection);
        return;
    }
    connection->eof = n == 0;
    if (connection->phase == PHASE_LINGER)
        drain(connection, (size_t)n);
    else
        advance(connection, str_make(server->input, (size_t)n));
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    connection_read(arg);
}

/* ---- waking -------------------------------------------------------------------------------- */

static void on_deadline(struct http_connection *connection)
{
    struct exchange *exchange = connection->exchange;
    bool asked = connection->phase == PHASE_BODY ||
                 (connection->phase == PHASE_HEAD &&
                  (exchange->parser.has_line || exchange->parser.line.size));
    if (!asked) {
        connection_close(connection);
        return;
    }
    connection->advancing = true;
    fail(connection, 408);
    connection->advancing = false;
    if (exchange->over)
        exchange_free(exchange);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct http_connection *connection = arg;
    connection->armed_us = 0;
    if (connection->phase == PHASE_IDLE && (connection->input.size || connection->eof))
        advance(connection, STR(""));
    if (connection->phase == PHASE_CLOSED || !connection->deadline_us)
        return;
    if (clock_us() >= connection->deadline_us)
        on_deadline(connection);
    else if (!connection->armed_us)
        arm(connection);
}

/* ---- birth --------------------------------------------------------------------------------- */

static void print_client(const struct sockaddr *address, char out[INET6_ADDRSTRLEN])
{
    const void *bytes = address->sa_family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
    if (!inet_ntop(address->sa_family, bytes, out, INET6_ADDRSTRLEN))
        memcpy(out, "-", 2);
}

void connection_new(struct http_server *server, int fd, const struct sockaddr *address,
                    const struct http_client_key *client_key)
{
    struct http_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        die("out of memory");
    connection->server = server;
    connection->fd = fd;
    connection->output.file.fd = -1;
    connection->client_key = *client_key;
    print_client(address, connection->client);
    /* An answer is one send: nothing would be gained by waiting for more. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    event_assign(&connection->readable, server->base, fd, EV_READ | EV_PERSIST, on_readable,
                 connection);
    event_assign(&connection->writable, server->base, fd, EV_WRITE | EV_PERSIST, on_writable,
                 connection);
    evtimer_assign(&connection->wake, server->base, on_wake, connection);
    connection->next = server->connections;
    if (connection->next)
        connection->next->previous = connection;
    server->connections = connection;
    server->count++;
    /* The first request is due at once, unlike those that follow. */
    enter(connection, PHASE_IDLE, clock_us() + server->config.timeouts.head * 1000);
    set_reading(connection);
}
