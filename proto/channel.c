#include "proto/channel.h"

#include "proto/base/die.h"
#include "proto/channel_own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINGER_MS = 1000, HIGH_WATER_MARK = 65536, WAIT_ITEMS = 256 };

_Static_assert(sizeof(zmq_msg_t) <= sizeof((struct channel_frame *)0)->message, "zmq_msg_t grew");

bool channel_peer_equal(struct channel_peer a, struct channel_peer b)
{
    return a.size == b.size && memcmp(a.bytes, b.bytes, a.size) == 0;
}

struct channel_context *channel_context_new(void)
{
    struct channel_context *context = calloc(1, sizeof *context);
    if (!context)
        die("out of memory");
    context->zmq = zmq_ctx_new();
    if (!context->zmq)
        die("zmq_ctx_new: %s", zmq_strerror(errno));
    return context;
}

void channel_context_free(struct channel_context *context)
{
    if (!context)
        return;
    while (zmq_ctx_term(context->zmq) != 0 && errno == EINTR)
        ;
    channel_guard_free(context->guard);
    free(context);
}

void *channel_socket_new(struct channel_context *context, int type)
{
    void *socket = zmq_socket(context->zmq, type);
    if (!socket)
        die("zmq_socket: %s", zmq_strerror(errno));
    int linger = 0;
    must(zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger) == 0);
    return socket;
}

void channel_set_int(struct channel *channel, int option, int value)
{
    must(zmq_setsockopt(channel->socket, option, &value, sizeof value) == 0);
}

static struct channel *channel_new(struct channel_context *context, int type)
{
    struct channel *channel = calloc(1, sizeof *channel);
    if (!channel)
        die("out of memory");
    channel->socket = zmq_socket(context->zmq, type);
    if (!channel->socket)
        die("zmq_socket: %s", zmq_strerror(errno));
    channel->context = context;
    int64_t limit = CHANNEL_FRAME_LIMIT;
    must(zmq_setsockopt(channel->socket, ZMQ_MAXMSGSIZE, &limit, sizeof limit) == 0);
    channel_set_int(channel, ZMQ_LINGER, LINGER_MS);
    channel_set_int(channel, ZMQ_SNDHWM, HIGH_WATER_MARK);
    channel_set_int(channel, ZMQ_RCVHWM, HIGH_WATER_MARK);
    return channel;
}

struct channel *channel_router_new(struct channel_context *context)
{
    struct channel *channel = channel_new(context, ZMQ_ROUTER);
    channel->is_router = true;
    channel_set_int(channel, ZMQ_ROUTER_MANDATORY, 1);
    return channel;
}

/* libzmq tells by a socket of its own (zmq_socket_monitor). */
static void watch(struct channel *channel)
{
    char endpoint[64];
    int unlimited = 0; /* or libzmq's thread would wait for a reader */
    /* Never a name again: a closed socket gives its own back some time later. */
    snprintf(endpoint, sizeof endpoint, "inproc://events-%llu", ++channel->context->dealers);
    must(zmq_socket_monitor(channel->socket, endpoint,
                            ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED) == 0);
    channel->events = channel_socket_new(channel->context, ZMQ_PAIR);
    must(zmq_setsockopt(channel->events, ZMQ_RCVHWM, &unlimited, sizeof unlimited) == 0);
    must(zmq_connect(channel->events, endpoint) == 0);
}

/* Two parts: a number and a value, and the endpoint. */
bool channel_is_up(struct channel *channel)
{
    uint16_t event[3];
    while (zmq_recv(channel->events, event, sizeof event, ZMQ_DONTWAIT) == sizeof event) {
        channel->is_up = event[0] == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
        zmq_recv(channel->events, NULL, 0, 0);
    }
    return channel->is_up;
}

struct channel *channel_dealer_new(struct channel_context *context)
{
    struct channel *channel = channel_new(context, ZMQ_DEALER);
    channel_set_int(channel, ZMQ_IMMEDIATE, 1);
    channel_set_int(channel, ZMQ_RECONNECT_IVL, 50);
    channel_set_int(channel, ZMQ_RECONNECT_IVL_MAX, 1000);
    watch(channel);
    return channel;
}

void channel_free(struct channel *channel)
{
    if (!channel)
        return;
    zmq_close(channel->socket);
    if (channel->events)
        zmq_close(channel->events);
    free(channel);
}

bool channel_is_tcp(const char *endpoint)
{
    return str_starts(str_from(endpoint), STR("tcp://"));
}

bool channel_bind(struct channel *channel, const char *endpoint, const char **out_error)
{
    if (channel_is_tcp(endpoint)) {
        *out_error = "tcp:// needs keys (CURVE)";
        return false;
    }
    if (zmq_bind(channel->socket, endpoint) == 0)
        return true;
    *out_error = zmq_strerror(errno);
    return false;
}

bool channel_connect(struct channel *channel, const char *endpoint, const char **out_error)
{
    if (channel_is_tcp(endpoint) && !channel_prepare_tcp(channel, endpoint, out_error))
        return false;
    if (zmq_connect(channel->socket, endpoint) == 0)
        return true;
    *out_error = zmq_strerror(errno);
    return false;
}

static enum channel_result send_error(void)
{
    if (errno == EHOSTUNREACH)
        return CHANNEL_GONE;
    must(errno == EAGAIN);
    return CHANNEL_FULL;
}

static int send_part(void *socket, const void *data, size_t size, int flags)
{
    int rc;
    do
        rc = zmq_send(socket, data, size, flags | ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    return rc;
}

enum channel_result channel_send(struct channel *channel, const struct channel_peer *to,
                                 struct str bytes)
{
    must(channel->is_router == (to != NULL));
    channel->unlooked = true;
    if (to && send_part(channel->socket, to->bytes, to->size, ZMQ_SNDMORE) < 0)
        return send_error();
    if (send_part(channel->socket, bytes.data, bytes.size, 0) < 0)
        return send_error();
    return CHANNEL_SENT;
}

static bool receive_part(struct channel *channel, zmq_msg_t *part)
{
    int rc;
    zmq_msg_init(part);
    do
        rc = zmq_msg_recv(part, channel->socket, ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    if (rc >= 0)
        return true;
    must(errno == EAGAIN);
    zmq_msg_close(part);
    return false;
}

/* All parts of a message arrive together: after the first, the rest is there. */
static void drop_rest(struct channel *channel, zmq_msg_t *part)
{
    while (zmq_msg_more(part)) {
        zmq_msg_close(part);
        must(receive_part(channel, part));
    }
    zmq_msg_close(part);
    channel->malformed++;
}

bool channel_receive(struct channel *channel, struct channel_frame *out)
{
    zmq_msg_t *part = (zmq_msg_t *)out->message;
    for (;;) {
        if (!receive_part(channel, part)) {
            channel->unlooked = false;
            return false;
        }
        if (channel->is_router) {
            out->from = (struct channel_peer){.size = 0};
            if (zmq_msg_size(part) > sizeof out->from.bytes || !zmq_msg_more(part)) {
                drop_rest(channel, part);
                continue;
            }
            out->from.size = (unsigned char)zmq_msg_size(part);
            memcpy(out->from.bytes, zmq_msg_data(part), zmq_msg_size(part));
            zmq_msg_close(part);
            must(receive_part(channel, part));
        }
        if (zmq_msg_more(part)) {
            drop_rest(channel, part);
            continue;
        }
        if (channel->guarded && !channel_guard_admits(channel->context->guard, part)) {
            zmq_msg_close(part);
            continue;
        }
        out->bytes = str_make(zmq_msg_data(part), zmq_msg_size(part));
        return true;
    }
}

void channel_frame_free(struct channel_frame *frame)
{
    zmq_msg_close((zmq_msg_t *)frame->message);
}

int64_t channel_malformed(const struct channel *channel)
{
    return channel->malformed;
}

int channel_fd(const struct channel *channel)
{
    int fd;
    size_t size = sizeof fd;
    must(zmq_getsockopt(channel->socket, ZMQ_FD, &fd, &size) == 0);
    return fd;
}

bool channel_unlooked(const struct channel *channel)
{
    return channel->unlooked;
}

void channel_wait(struct channel_wait_item *items, size_t count, int64_t timeout_ms)
{
    zmq_pollitem_t polled[WAIT_ITEMS];
    must(count <= WAIT_ITEMS && timeout_ms >= 0);
    for (size_t i = 0; i < count; i++)
        polled[i] = (zmq_pollitem_t){
            .socket = items[i].channel ? items[i].channel->socket : NULL,
            .fd = items[i].channel ? 0 : items[i].fd,
            .events = (short)(ZMQ_POLLIN | (items[i].want_write ? ZMQ_POLLOUT : 0)),
        };
    int rc = zmq_poll(polled, (int)count, (long)timeout_ms);
    must(rc >= 0 || errno == EINTR);
    for (size_t i = 0; i < count; i++) {
        /* An fd whose other end closed is an error to zmq_poll; to who reads it, its end. */
        items[i].readable = rc > 0 && (polled[i].revents & (ZMQ_POLLIN | ZMQ_POLLERR));
        items[i].writable = rc > 0 && (polled[i].revents & ZMQ_POLLOUT);
    }
}
