/* gateway: the actor that is the process.
 *
 * I own: the loop, the HTTP server, dispatch, templates, static files, every request.
 * I receive: requests and errors from the HTTP server; SIGTERM, SIGINT; SIGUSR1 and SIGUSR2 for the
 * log.
 * I send: nothing myself; requests ask pools through dispatch and answer through the server.
 * I am stopped by SIGTERM: no new connection, what runs is finished (at most shutdown_ms). */
#include "gateway/gateway.h"

#include "gateway/admin.h"
#include "gateway/development.h"
#include "gateway/http/event.h"
#include "gateway/http/syntax.h"
#include "gateway/reload.h"
#include "gateway/tracing.h"
#include "gateway/view.h"
#include "proto/base/die.h"
#include "proto/base/log.h"
#include "proto/base/notify.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum {
    DESCRIPTORS_OWN = 256,  /* beside client connections: queues, open files, log */
    DESCRIPTORS_LEAST = 96, /* with fewer, a few pools and files more would end the process */
    REJOIN_MS = 2000,       /* requests wait so long for a service whose last pool left */
};

/* ---- handlers of the HTTP server ----------------------------------------------------------- */

static void on_request(void *owner, struct http_exchange *exchange)
{
    request_start(owner, exchange);
}

static void on_error(void *owner, struct http_exchange *exchange, int status)
{
    request_start_error(owner, exchange, status);
}

static void on_gone(void *owner, struct http_exchange *exchange)
{
    (void)owner;
    request_gone(exchange->user);
}

static void on_done(void *owner, struct http_exchange *exchange, int status, int64_t bytes_sent,
                    int64_t duration_us)
{
    (void)owner;
    request_done(exchange->user, status, bytes_sent, duration_us);
}

/* The server ends before dispatch does, which may still be asked for its status. */
static size_t connection_count(const struct gateway *gateway)
{
    return gateway->server ? http_server_connection_count(gateway->server) : 0;
}

static void leave_if_idle(struct gateway *gateway)
{
    if (gateway->stopping && gateway->requests == 0 && connection_count(gateway) == 0)
        event_base_loopbreak(gateway->loop);
}

static void on_drained(void *owner)
{
    leave_if_idle(owner);
}

void gateway_request_ended(struct gateway *gateway)
{
    leave_if_idle(gateway);
}

/* ---- stopping ------------------------------------------------------------------------------ */

static void on_stop_timer(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct gateway *gateway = argument;
    log_warn("gateway_stop_forced", L_INT("requests", (int64_t)gateway->requests));
    event_base_loopbreak(gateway->loop);
}

static void on_stop_signal(evutil_socket_t signal_number, short what, void *argument)
{
    (void)what;
    struct gateway *gateway = argument;
    if (gateway->stopping) {
        event_base_loopbreak(gateway->loop);
        return;
    }
    gateway->stopping = true;
    notify("STOPPING=1");
    log_info("gateway_stopping", L_INT("signal", signal_number),
             L_INT("requests", (int64_t)gateway->requests));
    int64_t ms = gateway->config->gateway.shutdown_ms;
    event_add(gateway->stop_timer, &(struct timeval){ms / 1000, ms % 1000 * 1000});
    http_server_stop_accepting(gateway->server);
    leave_if_idle(gateway);
}

static void on_log_signal(evutil_socket_t signal_number, short what, void *argument)
{
    (void)what;
    (void)argument;
    log_set_verbose(signal_number == SIGUSR1);
}

/* ---- starting ------------------------------------------------------------------------------ */

static void fill_status(void *owner, struct gateway_status_reply *status)
{
    struct gateway *gateway = owner;
    status->listen = str_from(gateway->listen);
    status->connections = (int64_t)connection_count(gateway);
    status->requests = gateway->answered;
    status->access_log_dropped = gateway->access_log ? access_log_dropped(gateway->access_log) : 0;
}

static bool complain(const char *what, const char *why)
{
    fprintf(stderr, "vote-gateway: %s: %s\n", what, why);
    return false;
}

static bool check_settings(const struct config *config)
{
    return http_all(str_from(config->session.cookie_name), HTTP_TOKEN) ||
           complain("session.cookie_name", "expected letters, digits and the signs of a token");
}

static bool load_templates(struct gateway *gateway)
{
    struct buf errors = {0};
    gateway->templates = view_load_templates(gateway, &errors);
    bool good = errors.size == 0;
    if (!good)
        fwrite(errors.data, 1, errors.size, stderr);
    if (gateway->reload)
        reload_set_problem(gateway->reload, buf_str(&errors));
    buf_free(&errors);
    return good || gateway->reload; /* which then shows them instead of pages */
}

static bool open_files(struct gateway *gateway)
{
    const struct config *config = gateway->config;
    const char *roots[2] = {config->files.static_dir, config->files.bootstrap_dir};
    char error[256];
    struct static_config files = {
        .roots = roots,
        .root_count = config->files.bootstrap_dir[0] ? 2 : 1,
        .compressed = config->files.static_compressed_dir,
        .show_index = config->files.static_show_index,
        .follow_symlinks = config->files.static_follow_symlinks,
    };
    gateway->files = static_new(&files, error, sizeof error);
    return gateway->files || complain("static files", error);
}

static bool load_common_passwords(struct gateway *gateway)
{
    const char *path = gateway->config->login.common_passwords_file;
    gateway->common_passwords = common_passwords_load(path);
    return gateway->common_passwords || complain(path, strerror(errno));
}

static bool start_tracing(struct gateway *gateway)
{
    const char *error;
    return tracing_new(gateway->config, &gateway->tracing, &error) ||
           complain(gateway->config->tracing.file, error);
}

static void make_throttle(struct gateway *gateway)
{
    uint64_t seed;
    random_bytes(&seed, sizeof seed);
    gateway->throttle = throttle_new((size_t)gateway->config->throttle.table, seed);
}

/* libzmq aborts when there is none left for a pool that connects: see that there are enough. */
static bool raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return true;
    if (limit.rlim_max < DESCRIPTORS_LEAST) {
        fprintf(stderr,
                "vote-gateway: %llu open files are allowed, it may need %d at the very least: "
                "raise the limit (ulimit -n)\n",
                (unsigned long long)limit.rlim_max, DESCRIPTORS_LEAST);
        return false;
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return true;
}

/* Clients get what descriptors the process may have, less its own. */
static size_t connection_limit(const struct config *config)
{
    struct rlimit limit;
    size_t wanted = (size_t)config->gateway.max_connections;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    size_t room = limit.rlim_cur > DESCRIPTORS_OWN ? limit.rlim_cur - DESCRIPTORS_OWN : 1;
    if (room < wanted)
        log_warn("connections_limited", L_INT("max_connections", (int64_t)wanted),
                 L_INT("descriptors", (int64_t)limit.rlim_cur), L_INT("now", (int64_t)room));
    return room < wanted ? room : wanted;
}

static bool listen_http(struct gateway *gateway)
{
    const struct config *config = gateway->config;
    char error[256];
    struct http_server_config server = {
        .host = config->gateway.host,
        .port = (int)config->gateway.port,
        .limits = {.request_line = (size_t)config->limits.request_line,
                   .header_field = (size_t)config->limits.header_field,
                   .headers = (size_t)config->limits.headers,
                   .header_count = (size_t)config->limits.header_count,
                   .body = (size_t)config->limits.body},
        .timeouts = {.head = config->timeouts.head,
                     .body = config->timeouts.body,
                     .body_rate = config->timeouts.body_rate,
                     .request = config->timeouts.request,
                     .idle = config->timeouts.idle,
                     .write = config->timeouts.write_stall,
                     .linger = config->timeouts.linger},
        .max_connections = connection_limit(config),
        .max_per_client = (size_t)config->gateway.max_connections_per_client,
        .proxies = config->gateway.trusted_proxies.items,
        .proxy_count = config->gateway.trusted_proxies.count,
        .output_max = (size_t)config->limits.output,
        .server_header = config->gateway.server_header,
    };
    struct http_handler handler = {gateway, on_request, on_error, on_gone, on_done, on_drained};
    gateway->server = http_server_new(gateway->loop, &server, &handler, error, sizeof error);
    if (!gateway->server)
        return complain("listen", error);
    bool v6 = strchr(server.host, ':') != NULL;
    snprintf(gateway->listen, sizeof gateway->listen, "http://%s%.120s%s:%d", v6 ? "[" : "",
             server.host, v6 ? "]" : "", http_server_port(gateway->server));
    return true;
}

static bool listen_admin(struct gateway *gateway)
{
    char error[256];
    if (gateway->config->gateway.admin_port == 0)
        return true;
    gateway->admin = admin_listen(gateway, error, sizeof error);
    return gateway->admin || complain("admin", error);
}

static bool open_queues(struct gateway *gateway)
{
    const struct config *config = gateway->config;
    const char *dir = config->gateway.ipc_dir, *error = NULL;
    if (mkdir(dir, 0750) != 0 && errno != EEXIST)
        return complain(dir, strerror(errno));
    struct arena arena = {0};
    struct channel_tcp tcp = {.endpoint = config->gateway.tcp_endpoint,
                              .secret_file = config->gateway.curve_secret_file,
                              .clients_file = config->gateway.curve_clients_file};
    struct dispatch_settings settings = {
        .endpoint =
            arena_printf(&arena, "ipc://%s/gateway-%d.ipc", dir, http_server_port(gateway->server)),
        .tcp = *tcp.endpoint ? &tcp : NULL,
        .slots = (size_t)config->gateway.slots,
        .queue_limit = (size_t)config->gateway.queue_limit,
        .dead_ms = config->pools.dead_ms,
        .rejoin_ms = REJOIN_MS,
        .share_reads = config->gateway.share_reads,
        .owner = gateway,
        .fill_status = fill_status,
        .refresh = gateway->reload ? reload_refresh : NULL,
    };
    gateway->dispatch = dispatch_new(gateway->loop, &settings, &arena, &error);
    if (!gateway->dispatch)
        complain("queues", error);
    arena_free(&arena);
    return gateway->dispatch != NULL;
}

static void watch_signals(struct gateway *gateway)
{
    static const struct {
        int number;
        event_callback_fn handle;
    } rows[] = {{SIGTERM, on_stop_signal},
                {SIGINT, on_stop_signal},
                {SIGUSR1, on_log_signal},
                {SIGUSR2, on_log_signal}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gateway->signals[i] = evsignal_new(gateway->loop, rows[i].number, rows[i].handle, gateway);
        if (!gateway->signals[i])
            die("out of memory");
        event_add(gateway->signals[i], NULL);
    }
    gateway->stop_timer = event_new(gateway->loop, -1, 0, on_stop_timer, gateway);
    if (!gateway->stop_timer)
        die("out of memory");
}

struct gateway *gateway_start(const struct config *config)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    if (!gateway || !(gateway->loop = event_base_new()))
        die("out of memory");
    gateway->config = config;
    make_throttle(gateway);
    gateway->gzip = gzip_new();
    if (reload_wanted(config))
        gateway->reload = reload_new(gateway);
    gateway->development = development_wanted(config);
    if (!raise_descriptors() || !check_settings(config) || !load_templates(gateway) ||
        !open_files(gateway) || !load_common_passwords(gateway) || !start_tracing(gateway) ||
        !listen_http(gateway) || !open_queues(gateway) || !listen_admin(gateway)) {
        gateway_free(gateway);
        return NULL;
    }
    if (config->gateway.access_log)
        gateway->access_log =
            access_log_new(gateway->loop, config->gateway.access_log_every, config->log.format);
    watch_signals(gateway);
    return gateway;
}

void gateway_run(struct gateway *gateway)
{
    log_info("gateway_started", L_TEXT("listen", gateway->listen));
    printf("======== Running on %s ========\n", gateway->listen);
    fflush(stdout);
    /* It listens. Waiting for pools would keep from starting who wait for this. */
    notify("READY=1");
    event_base_dispatch(gateway->loop);
    log_info("gateway_stopped", L_INT("answered", gateway->answered));
}

static void close_server(struct http_server **server)
{
    if (*server)
        http_server_free(*server);
    *server = NULL;
}

void gateway_free(struct gateway *gateway)
{
    if (!gateway)
        return;
    gateway->stopping = true; /* another signal changes nothing any more */
    close_server(&gateway->admin);
    close_server(&gateway->server);
    /* What was asked of pools is still answered, at its deadline if need be. */
    while (gateway->dispatch && dispatch_waiting(gateway->dispatch) > 0)
        event_base_loop(gateway->loop, EVLOOP_ONCE);
    dispatch_free(gateway->dispatch);
    access_log_free(gateway->access_log);
    gzip_free(gateway->gzip);
    buf_free(&gateway->page);
    if (gateway->files)
        static_free(gateway->files);
    tracing_free(gateway->tracing);
    tpl_env_free(gateway->templates);
    reload_free(gateway->reload);
    throttle_free(gateway->throttle);
    common_passwords_free(gateway->common_passwords);
    for (size_t i = 0; i < sizeof gateway->signals / sizeof *gateway->signals; i++)
        if (gateway->signals[i])
            event_free(gateway->signals[i]);
    if (gateway->stop_timer)
        event_free(gateway->stop_timer);
    event_base_free(gateway->loop);
    free(gateway);
}
