/* Rule: options of a socket hold for what is bound or connected after they are set. */
#include "proto/channel_curve.h"

#include "proto/base/die.h"
#include "proto/base/log.h"
#include "proto/channel_own.h"

#include <errno.h>

enum {
    HEARTBEAT_MS = 1000,
    SILENT_MS = 2000, /* after a heartbeat without answer */
    CONNECT_MS = 2000,
    HANDSHAKE_MS = 3000,
    ENDPOINT_MAX = 256,
};

static void set_text(struct channel *channel, int option, const char *text)
{
    must(zmq_setsockopt(channel->socket, option, text, strlen(text)) == 0);
}

static void set_link_options(struct channel *channel, const char *endpoint)
{
    const struct {
        int option, value;
    } options[] = {
        {ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS},
        {ZMQ_HEARTBEAT_TIMEOUT, SILENT_MS},
        {ZMQ_HEARTBEAT_TTL, HEARTBEAT_MS + SILENT_MS},
        {ZMQ_CONNECT_TIMEOUT, CONNECT_MS},
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_TCP_KEEPALIVE_IDLE, 30},
        {ZMQ_TCP_KEEPALIVE_INTVL, 5},
        {ZMQ_TCP_KEEPALIVE_CNT, 3},
        {ZMQ_IPV6, strchr(endpoint, '[') != NULL},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        channel_set_int(channel, options[i].option, options[i].value);
}

/* ---- dealers ------------------------------------------------------------------------------- */

static bool read_secret(const char *path, struct curve_key *out_secret,
                        struct curve_key *out_public, struct arena *arena, const char **out_error)
{
    if (!curve_secret_read(path, out_secret, arena, out_error))
        return false;
    must(zmq_curve_public(out_public->text, out_secret->text) == 0);
    return true;
}

bool channel_keys_read(const char *secret_file, const char *gateway_file, struct channel_keys *out,
                       struct arena *arena, const char **out_error)
{
    return read_secret(secret_file, &out->secret, &out->own, arena, out_error) &&
           curve_public_read(gateway_file, &out->gateway, arena, out_error);
}

void channel_use_keys(struct channel *dealer, const struct channel_keys *keys)
{
    must(!dealer->is_router);
    dealer->keys = keys;
}

bool channel_prepare_tcp(struct channel *channel, const char *endpoint, const char **out_error)
{
    if (!channel->keys) {
        *out_error = "tcp:// needs keys (CURVE)";
        return false;
    }
    set_link_options(channel, endpoint);
    set_text(channel, ZMQ_CURVE_SERVERKEY, channel->keys->gateway.text);
    set_text(channel, ZMQ_CURVE_PUBLICKEY, channel->keys->own.text);
    set_text(channel, ZMQ_CURVE_SECRETKEY, channel->keys->secret.text);
    return true;
}

/* ---- routers ------------------------------------------------------------------------------- */

static void log_bound(const struct channel *router, const struct curve_key *public)
{
    char endpoint[ENDPOINT_MAX];
    size_t size = sizeof endpoint;
    must(zmq_getsockopt(router->socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0);
    log_info("tcp_bound", L_TEXT("endpoint", endpoint), L_TEXT("public_key", public->text));
}

bool channel_bind_tcp(struct channel *router, const struct channel_tcp *tcp, struct arena *arena,
                      const char **out_error)
{
    struct curve_key secret, public;
    must(router->is_router && !router->context->guard);
    if (!channel_is_tcp(tcp->endpoint)) {
        *out_error = arena_printf(arena, "%s: is no tcp:// endpoint", tcp->endpoint);
        return false;
    }
    if (!read_secret(tcp->secret_file, &secret, &public, arena, out_error))
        return false;
    struct channel_guard *guard =
        channel_guard_new(router->context, tcp->clients_file, arena, out_error);
    if (guard) {
        router->context->guard = guard;
        router->guarded = true;
        channel_guard_watch(guard, router);
        channel_guard_start(guard);
        set_link_options(router, tcp->endpoint);
        channel_set_int(router, ZMQ_CURVE_SERVER, 1);
        set_text(router, ZMQ_CURVE_SECRETKEY, secret.text);
    }
    explicit_bzero(&secret, sizeof secret);
    if (!guard)
        return false;
    if (zmq_bind(router->socket, tcp->endpoint) != 0) {
        *out_error = arena_printf(arena, "%s: %s", tcp->endpoint, zmq_strerror(errno));
        return false;
    }
    log_bound(router, &public);
    return true;
}

int64_t channel_refused(const struct channel *router)
{
    return router->guarded ? channel_guard_refused(router->context->guard) : 0;
}

void channel_make_keys(struct curve_key *out_secret, struct curve_key *out_public)
{
    if (zmq_curve_keypair(out_public->text, out_secret->text) != 0)
        die("this libzmq has no CURVE");
}
