#include "gateway/http/connection.h"

#include "proto/base/die.h"
#include "proto/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 1024,
    ACCEPT_TURN = 64,  /* connections taken in one turn of the loop */
    PAUSE_US = 100000, /* out of descriptors: how long the listener rests */
    STOP_IDLE_MS = 500,
};

/* ---- listening ----------------------------------------------------------------------------- */

static int listen_on(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static int open_listener(const struct http_server_config *config, char *out_error,
                         size_t error_size)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    char port[16];
    snprintf(port, sizeof port, "%d", config->port);
    int rc = getaddrinfo(config->host, port, &hints, &found);
    if (rc) {
        snprintf(out_error, error_size, "cannot listen on %s:%d: %s", config->host, config->port,
                 gai_strerror(rc));
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
        fd = listen_on(at);
    if (fd < 0)
        snprintf(out_error, error_size, "cannot listen on %s:%d: %s", config->host, config->port,
                 strerror(errno));
    freeaddrinfo(found);
    return fd;
}

static int bound_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    must(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

/* ---- accepting ----------------------------------------------------------------------------- */

static void open_reserve(struct http_server *server)
{
    if (server->reserve < 0)
        server->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void rest_a_moment(struct http_server *server, int error)
{
    log_warn("accept_paused", L_TEXT("reason", strerror(error)),
             L_INT("connections", (int64_t)server->count));
    event_del(&server->acceptable);
    evtimer_add(&server->unpause, &(struct timeval){.tv_usec = PAUSE_US});
}

static void on_unpause(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct http_server *server = arg;
    open_reserve(server);
    event_add(&server->acceptable, NULL);
}

/* What has come is read first: closing over unread bytes would take the answer back. */
static void turn_away(struct http_server *server, int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                 "Content-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Length: 24\r\n"
                                 "Retry-After: 1\r\n"
                                 "Connection: close\r\n\r\n"
                                 "503: Service Unavailable";
    ssize_t n = recv(fd, server->input, sizeof server->input, MSG_DONTWAIT);
    n = send(fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)n; /* it may be gone already */
    shutdown(fd, SHUT_WR);
    close(fd);
}

static int accept_one(struct http_server *server, struct sockaddr_storage *address)
{
    socklen_t size = sizeof *address;
    return accept4(server->fd, (struct sockaddr *)address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* Out of descriptors: whoever is first in the backlog is told so, by means of the one kept back for
 * this; the others wait there while the listener rests. */
static void refuse_one(struct http_server *server)
{
    struct sockaddr_storage address;
    if (server->reserve < 0)
        return;
    close(server->reserve);
    server->reserve = -1;
    int fd = accept_one(server, &address);
    if (fd >= 0)
        turn_away(server, fd);
    open_reserve(server);
}

static void take_in(struct http_server *server, int fd, const struct sockaddr *address)
{
    struct http_client_key key;
    if (server->count >= server->config.max_connections ||
        !http_clients_enter(server->clients, address, &key))
        turn_away(server, fd);
    else
        connection_new(server, fd, address, &key);
}

/* Returns whether more may wait. */
static bool accept_some(struct http_server *server)
{
    for (int i = 0; i < ACCEPT_TURN; i++) {
        struct sockaddr_storage address = {0};
        int fd = accept_one(server, &address), error = errno;
        if (fd >= 0) {
            take_in(server, fd, (struct sockaddr *)&address);
            continue;
        }
        if (error == EMFILE || error == ENFILE)
            refuse_one(server);
        if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM)
            rest_a_moment(server, error);
        if (error != ECONNABORTED && error != EINTR)
            return false;
    }
    return true;
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    accept_some(arg);
}

/* ---- life ---------------------------------------------------------------------------------- */

static void free_dead(struct http_server *server)
{
    while (server->dead) {
        struct http_connection *connection = server->dead;
        server->dead = connection->next_dead;
        buf_free(&connection->input);
        free(connection);
    }
}

static void on_reap(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct http_server *server = arg;
    free_dead(server);
    if (server->stopping && !server->count && !server->drained) {
        server->drained = true;
        if (server->handler.on_drained)
            server->handler.on_drained(server->handler.owner);
    }
}

struct http_server *http_server_new(struct event_base *base,
                                    const struct http_server_config *config,
                                    const struct http_handler *handler, char *out_error,
                                    size_t error_size)
{
    int fd = open_listener(config, out_error, error_size);
    if (fd < 0)
        return NULL;
    struct http_server *server = calloc(1, sizeof *server);
    if (!server)
        die("out of memory");
    signal(SIGPIPE, SIG_IGN);
    server->base = base;
    server->config = *config;
    server->handler = *handler;
    server->fd = fd;
    server->port = bound_port(fd);
    server->reserve = -1;
    open_reserve(server);
    server->clients =
        http_clients_new(config->max_per_client, config->proxies, config->proxy_count);
    event_assign(&server->acceptable, base, fd, EV_READ | EV_PERSIST, on_acceptable, server);
    evtimer_assign(&server->unpause, base, on_unpause, server);
    evtimer_assign(&server->reap, base, on_reap, server);
    event_add(&server->acceptable, NULL);
    return server;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

size_t http_server_connection_count(const struct http_server *server)
{
    return server->count;
}

static void close_listener(struct http_server *server)
{
    event_del(&server->acceptable);
    event_del(&server->unpause);
    if (server->fd >= 0)
        close(server->fd);
    server->fd = -1;
}

void http_server_stop_accepting(struct http_server *server)
{
    if (server->stopping)
        return;
    while (accept_some(server))
        ;
    close_listener(server);
    server->stopping = true;
    struct http_connection *next;
    for (struct http_connection *connection = server->connections; connection; connection = next) {
        if (connection->phase == PHASE_IDLE)
            connection_read(connection);
        next = connection->next;
        if (connection->phase == PHASE_IDLE)
            connection_hurry(connection, STOP_IDLE_MS);
        else if (connection->phase == PHASE_STREAM)
            http_exchange_end(&connection->exchange->shown);
    }
    event_active(&server->reap, EV_TIMEOUT, 0);
}

void http_server_free(struct http_server *server)
{
    close_listener(server);
    while (server->connections)
        connection_close(server->connections);
    event_del(&server->reap);
    free_dead(server);
    buf_free(&server->head);
    http_clients_free(server->clients);
    if (server->reserve >= 0)
        close(server->reserve);
    free(server);
}
