/* channel: ZeroMQ sockets as this project uses them; the only door to zmq.h.
 *
 * A gateway owns one router, to which pools connect their dealers. A frame is one whole message
 * (proto/envelope.h). A channel belongs to one thread. Nothing here blocks but channel_wait and
 * channel_context_free.
 *
 * Options set on every socket: LINGER 1 s (an exit cannot hang), MAXMSGSIZE, HWM as a safety net
 * (credit is the limit), a router is MANDATORY (an unknown or full peer is an error, not a silent
 * loss), a dealer is IMMEDIATE (nothing is queued for a gateway that is not there). Between hosts,
 * tcp:// with keys: proto/channel_curve.h. */
#ifndef VOTE_PROTO_CHANNEL_H
#define VOTE_PROTO_CHANNEL_H

#include "proto/base/str.h"

#include <stdalign.h>

enum { CHANNEL_FRAME_LIMIT = 4 * 1024 * 1024 }; /* bytes; a larger one closes its connection */

struct channel_context;
struct channel;

/* A peer of a router: the routing id that libzmq gave its connection. */
struct channel_peer {
    unsigned char size;
    unsigned char bytes[15];
};

bool channel_peer_equal(struct channel_peer a, struct channel_peer b);

/* A received frame; `bytes` is valid until channel_frame_free. */
struct channel_frame {
    struct channel_peer from; /* router only */
    struct str bytes;
    alignas(16) unsigned char message[64]; /* zmq_msg_t */
};

/* channel_context_new: the context of a process, before any other thread that uses it starts;
 * never fork() after it. free waits up to the linger time for frames that are still to be sent. */
struct channel_context *channel_context_new(void);
void channel_context_free(struct channel_context *context);

/* channel_router_new, channel_dealer_new: die() when descriptors or memory run out (start-up). */
struct channel *channel_router_new(struct channel_context *context);
struct channel *channel_dealer_new(struct channel_context *context);
void channel_free(struct channel *channel);

/* channel_bind, channel_connect: to "ipc://PATH", a dealer that has keys to "tcp://HOST:PORT" too.
 * False, and *out_error (static text), if the endpoint is malformed, too long (ipc: 107 bytes),
 * taken, or tcp:// without keys. Binding an ipc endpoint replaces a socket file that is there: hold
 * a lock of your own. */
bool channel_bind(struct channel *channel, const char *endpoint, const char **out_error);
bool channel_connect(struct channel *channel, const char *endpoint, const char **out_error);

enum channel_result {
    CHANNEL_SENT, /* handed to libzmq; it can still be lost with its connection */
    CHANNEL_FULL, /* the peer's queue is full, or a dealer's gateway is not there */
    CHANNEL_GONE  /* router: no such peer any more */
};

/* channel_send: `to` is for a router; NULL for a dealer. The bytes are copied. */
enum channel_result channel_send(struct channel *channel, const struct channel_peer *to,
                                 struct str bytes);

/* channel_receive: the next frame that waits, or false. A message of another shape than ours (more
 * than one part) is dropped whole and counted. */
bool channel_receive(struct channel *channel, struct channel_frame *out);
void channel_frame_free(struct channel_frame *frame);

/* channel_is_up: of a dealer: a gateway shook hands, and the connection has not ended since. That a
 * send is taken says less: libzmq takes messages for a peer of whom it will never hear again. */
bool channel_is_up(struct channel *channel);

/* channel_malformed: multi-part messages dropped so far. */
int64_t channel_malformed(const struct channel *channel);

/* channel_fd: readable means "look", edge-triggered (ZMQ_FD): call channel_receive until it says
 * false, after every readable event and also after every channel_send. */
int channel_fd(const struct channel *channel);

/* channel_unlooked: there was a send since channel_receive last said false. The descriptor may be
 * quiet now though a message waits: somebody has to look. */
bool channel_unlooked(const struct channel *channel);

struct channel_wait_item {
    struct channel *channel; /* or NULL: fd */
    int fd;
    bool want_write; /* a dealer that waits for its gateway */
    bool readable, writable;
};

/* channel_wait: block until something is ready, at most timeout_ms (≥ 0). */
void channel_wait(struct channel_wait_item *items, size_t count, int64_t timeout_ms);

#endif
