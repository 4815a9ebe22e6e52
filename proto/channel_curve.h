/* channel_curve: tcp:// between hosts, always with CURVE: both sides prove who they are, and all
 * between them is encrypted. There is no tcp:// without it, and ipc:// never has it.
 *
 * Gateways share one pair of keys, or have one each; every host of pools has its own. A gateway
 * lists the public keys of its pools, a pool holds the public key of its gateways.
 *
 * Options set on tcp://: heartbeats of ZMTP, so that a cut link is seen within 3 s on both sides;
 * 2 s for a connection, 3 s for its handshake; keep-alive of TCP. */
#ifndef VOTE_PROTO_CHANNEL_CURVE_H
#define VOTE_PROTO_CHANNEL_CURVE_H

#include "proto/channel.h"
#include "proto/curve.h"

/* What a dealer needs: its own key, and whom to believe. */
struct channel_keys {
    struct curve_key secret, own, gateway; /* own: the public half of secret */
};

/* channel_keys_read: from key files (proto/curve.h). Start-up: blocks. False, and *out_error (in
 * arena), one line. Wipe `out` when no dealer needs it any more. */
bool channel_keys_read(const char *secret_file, const char *gateway_file, struct channel_keys *out,
                       struct arena *arena, const char **out_error);

/* channel_use_keys: for a dealer's channel_connect, if it is to tcp://. Borrowed; NULL: no tcp. */
void channel_use_keys(struct channel *dealer, const struct channel_keys *keys);

/* Where a gateway serves other hosts. */
struct channel_tcp {
    const char *endpoint;     /* "tcp://HOST:PORT"; port *: any free one */
    const char *secret_file;  /* the gateway's secret key */
    const char *clients_file; /* the public keys of those who may connect, one a line */
};

/* channel_bind_tcp: let those in. Bind ipc:// first: what is bound later would ask for keys too.
 * One router of a context. Starts a thread (signals blocked) that lives as long as the context: it
 * answers libzmq who may connect (ZAP, RFC 27), logs and counts who may not, and reads the list
 * anew when it changed. Who is taken out of the list is not heard from then on, though connected.
 * False, and *out_error (in arena), one line. Logs the endpoint bound and the public key. */
bool channel_bind_tcp(struct channel *router, const struct channel_tcp *tcp, struct arena *arena,
                      const char **out_error);

/* channel_refused: connections over tcp:// that were not let in: another key, none, no ZMTP. */
int64_t channel_refused(const struct channel *router);

/* channel_make_keys: a fresh pair. */
void channel_make_keys(struct curve_key *out_secret, struct curve_key *out_public);

#endif
