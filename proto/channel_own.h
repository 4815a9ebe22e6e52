/* channel_own: what the parts of channel share, and nobody else sees.
 *
 *   channel.c       sockets, frames, waiting
 *   channel_curve.c tcp:// with CURVE
 *   channel_guard.c who may connect over it */
#ifndef VOTE_PROTO_CHANNEL_OWN_H
#define VOTE_PROTO_CHANNEL_OWN_H

#include "proto/base/arena.h"
#include "proto/channel.h"

#include <zmq.h>

struct channel_guard;

struct channel_context {
    void *zmq;
    unsigned long long dealers;  /* made so far */
    struct channel_guard *guard; /* NULL until a router is bound to tcp:// */
};

struct channel {
    void *socket;
    void *events; /* of a dealer's connection */
    bool is_up;   /* as the last of them tells */
    struct channel_context *context;
    const struct channel_keys *keys; /* of a dealer; NULL: ipc:// alone */
    bool is_router;
    bool unlooked; /* a send since channel_receive last said false */
    bool guarded;  /* a router that is bound to tcp:// */
    int64_t malformed;
};

/* channel_socket_new: a socket of libzmq's that does not linger. */
void *channel_socket_new(struct channel_context *context, int type);

/* channel_set_int: an option of the socket; ours to get right. */
void channel_set_int(struct channel *channel, int option, int value);

/* channel_is_tcp: such an endpoint. */
bool channel_is_tcp(const char *endpoint);

/* ---- channel_curve.c ----------------------------------------------------------------------- */

/* channel_prepare_tcp: before a dealer connects to tcp://. False, and *out_error, without keys. */
bool channel_prepare_tcp(struct channel *channel, const char *endpoint, const char **out_error);

/* ---- channel_guard.c ----------------------------------------------------------------------- */

/* channel_guard_new: before any router of this context binds to tcp://, since libzmq lets everybody
 * in whom nobody judges. Answer who may connect: those whose public key is in the
 * file. From then on it is looked at every second, and read when it changed. It runs in a thread of
 * its own until the context ends. NULL, and *out_error (in arena), if the file is no good. */
struct channel_guard *channel_guard_new(struct channel_context *context, const char *clients_file,
                                        struct arena *arena, const char **out_error);

/* channel_guard_watch: count and log what fails at this router before a key is even seen. Once,
 * before the router binds to tcp://. */
void channel_guard_watch(struct channel_guard *guard, struct channel *router);

/* channel_guard_start: begin. */
void channel_guard_start(struct channel_guard *guard);

/* channel_guard_free: after the context ended, which ends its thread. NULL is allowed. */
void channel_guard_free(struct channel_guard *guard);

/* channel_guard_admits: whose frame this is may still be here. Only needed, and only then slow,
 * once a key was taken out of the file. Any thread. */
bool channel_guard_admits(struct channel_guard *guard, zmq_msg_t *frame);

int64_t channel_guard_refused(struct channel_guard *guard);

#endif
