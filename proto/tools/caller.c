/* caller: a gateway for one service, without HTTP.
 *
 * I own: a router to which pools connect (or a dealer to one gateway), the requests under way. I
 * receive: lines of standard input; ready, heartbeat, drain, bye and answers of pools. I send:
 * requests, within the credit of each pool; who, drain_ok. I end when every line has its answer,
 * when nothing came for the time given, or on SIGTERM, SIGINT. */
#include "proto/tools/caller.h"

#include "proto/base/clock.h"
#include "proto/base/die.h"
#include "proto/channel_curve.h"
#include "proto/envelope.h"
#include "proto/status.h"
#include "proto/tools/call_line.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* A pool answers EXPIRED in time; it gets this much longer to say so. */
enum { POOLS = 64, SLOTS = 4096, READ_SIZE = 65536, GRACE_MS = 500 };

struct pool_seen {
    bool here;
    struct channel_peer peer;
    struct id id;
    size_t credit, in_flight;
    bool draining;
};

/* A request under way. */
struct slot {
    int64_t line; /* 0: free */
    uint32_t generation;
    size_t pool;
};

struct caller {
    const struct caller_settings *settings;
    struct channel *channel;
    struct channel_keys keys; /* of a dealer to tcp:// */
    int signal_fd;
    struct pool_seen pools[POOLS]; /* of a dealer: the first is its gateway */
    struct slot slots[SLOTS];
    size_t in_flight;
    struct buf input; /* read, not yet sent */
    bool input_ended;
    int64_t line; /* lines taken from input */
    int64_t progress_us;
    bool bad_reply;
    enum { RUNNING, TIMED_OUT, STOPPED, MISUSED } state;
    struct buf outgoing;
    struct arena arena;
};

/* ---- sending ------------------------------------------------------------------------------------
 ---- */

static enum channel_result send_frame(struct caller *caller, const struct channel_peer *to,
                                      const struct envelope *envelope, struct str body)
{
    buf_reset(&caller->outgoing);
    envelope_begin(envelope, &caller->outgoing);
    buf_add_str(&caller->outgoing, body);
    envelope_end(&caller->outgoing, 0);
    return channel_send(caller->channel, caller->settings->bind ? to : NULL,
                        buf_str(&caller->outgoing));
}

static void send_control(struct caller *caller, const struct channel_peer *to, unsigned number)
{
    struct envelope envelope = {.type = (uint16_t)number};
    (void)send_frame(caller, to, &envelope, STR("{}")); /* lost: the pool comes back by itself */
}

/* The pool with the most free credit, or NULL. */
static struct pool_seen *choose_pool(struct caller *caller)
{
    struct pool_seen *best = NULL;
    size_t most = 0;
    for (struct pool_seen *pool = caller->pools; pool < caller->pools + POOLS; pool++) {
        if (!pool->here || pool->draining || pool->credit <= pool->in_flight)
            continue;
        if (pool->credit - pool->in_flight > most) {
            most = pool->credit - pool->in_flight;
            best = pool;
        }
    }
    return best;
}

static uint32_t free_slot(const struct caller *caller)
{
    uint32_t i = 0;
    while (i < SLOTS && caller->slots[i].line)
        i++;
    return i;
}

/* False if the pool turned out to be gone: another may take it. */
static bool send_request(struct caller *caller, struct pool_seen *pool, uint32_t slot_index,
                         const struct message_type *type, struct str body)
{
    struct slot *slot = &caller->slots[slot_index];
    struct envelope envelope = {
        .attempt = 1,
        .type = type->number,
        .slot = slot_index,
        .generation = ++slot->generation,
        .request_id = id_random(),
        .ttl_ms = (uint32_t)caller->settings->timeout_ms,
    };
    if (send_frame(caller, &pool->peer, &envelope, body) != CHANNEL_SENT) {
        pool->here = false;
        return false;
    }
    slot->line = caller->line;
    slot->pool = (size_t)(pool - caller->pools);
    pool->in_flight++;
    caller->in_flight++;
    caller->progress_us = clock_us();
    return true;
}

/* ---- lines --------------------------------------------------------------------------------------
 ---- */

/* The next whole line; at the end of input what is left is one, too. Empty ones are passed over. */
static bool peek_line(const struct caller *caller, struct str *out, size_t *out_used)
{
    struct str rest = buf_str(&caller->input);
    size_t used = 0;
    while (rest.size) {
        ptrdiff_t end = str_find(rest, '\n');
        if (end < 0 && !caller->input_ended)
            return false;
        size_t size = end < 0 ? rest.size : (size_t)end;
        size_t taken = end < 0 ? size : size + 1;
        *out = str_trim(str_make(rest.data, size), " \t\r");
        used += taken;
        *out_used = used;
        if (out->size)
            return true;
        rest = str_make(rest.data + taken, rest.size - taken);
    }
    return false;
}

/* False when it must wait: no line, no pool, no free slot. */
static bool send_line(struct caller *caller)
{
    struct str line;
    size_t used;
    struct pool_seen *pool = choose_pool(caller);
    uint32_t slot = free_slot(caller);
    if (!pool || slot == SLOTS || !peek_line(caller, &line, &used))
        return false;
    const struct message_type *type;
    const char *error;
    struct buf body = {0};
    bool good = call_line_read(line, caller->settings->type, &type, &body, &error);
    caller->line++;
    if (!good) {
        fprintf(stderr, "%s: line %lld %s\n", program_invocation_short_name,
                (long long)caller->line, error);
        caller->state = MISUSED;
    } else if (send_request(caller, pool, slot, type, buf_str(&body))) {
        buf_consume(&caller->input, used);
    } else {
        caller->line--; /* once more, to another pool */
    }
    buf_free(&body);
    return good;
}

static void read_input(struct caller *caller)
{
    char *at = buf_reserve(&caller->input, READ_SIZE);
    ssize_t size = read(STDIN_FILENO, at, READ_SIZE);
    if (size > 0)
        caller->input.size += (size_t)size;
    else if (size == 0 || errno != EINTR)
        caller->input_ended = true;
    caller->progress_us = clock_us();
}

/* ---- answers ------------------------------------------------------------------------------------
 ---- */

/* A body is passed on as it stands if it keeps its own rules, else it is named wrong. */
static void print_answer(struct caller *caller, int64_t line, const struct envelope *envelope,
                         const struct message_type *type, struct id pool, struct str body)
{
    const char *error = "not an answer";
    char id[ID_TEXT + 1];
    bool known = status_is_known(envelope->status) && type &&
                 (type->kind == MESSAGE_REPLY || type->number == MESSAGE_error);
    bool good = known && message_unpack(type->record(), body, &caller->arena, &error);
    caller->bad_reply |= !good || envelope->status != STATUS_OK;
    printf("{\"line\": %lld, \"status\": \"%s\", \"message\": \"%s\", ", (long long)line,
           status_is_known(envelope->status) ? status_name((enum status)envelope->status) : "?",
           type ? type->name : "?");
    printf("\"pool\": \"%s\", \"queue_us\": %u, \"service_us\": %u, \"batch\": %u, "
           "\"attempt\": %u, ",
           id_print(pool, id), envelope->queue_us, envelope->service_us, envelope->batch,
           envelope->attempt);
    if (good) {
        printf("\"body\": %.*s}\n", STR_ARG(body));
        return;
    }
    struct buf text = {0};
    json_add_text(&text, str_from(error));
    printf("\"body\": null, \"error\": %.*s}\n", STR_ARG(buf_str(&text)));
    buf_free(&text);
}

static void on_answer(struct caller *caller, const struct envelope *envelope,
                      const struct message_type *type, struct str body)
{
    struct slot *slot = envelope->slot < SLOTS ? &caller->slots[envelope->slot] : NULL;
    if (!slot || !slot->line || slot->generation != envelope->generation)
        return; /* nobody waits for it */
    struct pool_seen *pool = &caller->pools[slot->pool];
    print_answer(caller, slot->line, envelope, type, pool->id, body);
    slot->line = 0;
    pool->in_flight--;
    caller->in_flight--;
    caller->progress_us = clock_us();
}

/* ---- pools --------------------------------------------------------------------------------------
 ---- */

static struct pool_seen *find_pool(struct caller *caller, const struct channel_peer *peer)
{
    for (struct pool_seen *pool = caller->pools; pool < caller->pools + POOLS; pool++)
        if (pool->here && channel_peer_equal(pool->peer, *peer))
            return pool;
    return NULL;
}

static struct pool_seen *free_pool(struct caller *caller)
{
    for (struct pool_seen *pool = caller->pools; pool < caller->pools + POOLS; pool++)
        if (!pool->here && pool->in_flight == 0)
            return pool;
    return NULL;
}

static void on_ready(struct caller *caller, const struct channel_peer *from, struct str body)
{
    const char *error;
    struct ready *ready = message_unpack_as(ready, body, &caller->arena, &error);
    if (!ready || !str_equal(ready->service, str_from(service_name(caller->settings->service))))
        return;
    struct pool_seen *pool = find_pool(caller, from);
    if (!pool)
        pool = free_pool(caller);
    if (!pool)
        return;
    pool->here = true;
    pool->peer = *from;
    pool->id = ready->pool_id;
    pool->credit = (size_t)ready->capacity;
    pool->draining = false;
    caller->progress_us = clock_us();
}

static void on_pool_control(struct caller *caller, unsigned number, const struct channel_peer *from,
                            struct str body)
{
    struct pool_seen *pool = find_pool(caller, from);
    switch (number) {
    case MESSAGE_ready:
        on_ready(caller, from, body);
        break;
    case MESSAGE_heartbeat:
        if (!pool)
            send_control(caller, from, MESSAGE_who);
        break;
    case MESSAGE_drain:
        if (pool)
            pool->draining = true;
        send_control(caller, from, MESSAGE_drain_ok);
        break;
    case MESSAGE_bye:
        if (pool)
            pool->here = false;
        break;
    default:
        break;
    }
}

static void on_message(struct caller *caller, const struct channel_peer *from,
                       const struct envelope *envelope, struct str body)
{
    const struct message_type *type = message_type_find(envelope->type);
    bool control = type && type->kind == MESSAGE_CONTROL && type->number != MESSAGE_error;
    if (!control)
        on_answer(caller, envelope, type, body);
    else if (caller->settings->bind)
        on_pool_control(caller, type->number, from, body);
}

static void on_frame(struct caller *caller, const struct channel_frame *frame)
{
    struct envelope envelope;
    struct str rest = frame->bytes, body;
    enum envelope_error error = envelope_check(rest);
    if (error != ENVELOPE_OK) {
        fprintf(stderr, "%s: a frame of %zu bytes: %s\n", program_invocation_short_name,
                frame->bytes.size, envelope_error_text(error));
        return;
    }
    while (envelope_next(&rest, &envelope, &body))
        on_message(caller, &frame->from, &envelope, body);
}

/* ---- loop ---------------------------------------------------------------------------------------
 ---- */

static bool all_done(const struct caller *caller)
{
    return caller->input_ended && caller->in_flight == 0 &&
           str_trim(buf_str(&caller->input), " \t\r\n").size == 0;
}

/* Waiting for standard input has no end; for a pool or an answer it has. */
static int64_t wait_ms(const struct caller *caller)
{
    struct str line;
    size_t used;
    enum { FOREVER_MS = 3600 * 1000 };
    if (caller->in_flight == 0 && !peek_line(caller, &line, &used))
        return FOREVER_MS;
    int64_t patience_ms = caller->settings->timeout_ms + (caller->in_flight ? GRACE_MS : 0);
    int64_t left_us = caller->progress_us + patience_ms * 1000 - clock_us();
    return left_us > 0 ? (left_us + 999) / 1000 : 0;
}

static void receive_all(struct caller *caller)
{
    struct channel_frame frame;
    while (channel_receive(caller->channel, &frame)) {
        on_frame(caller, &frame);
        channel_frame_free(&frame);
        arena_reset(&caller->arena);
    }
}

static void run_once(struct caller *caller)
{
    struct pool_seen *gateway = caller->settings->bind ? NULL : &caller->pools[0];
    while (caller->state == RUNNING && send_line(caller))
        ;
    if (caller->state != RUNNING || all_done(caller))
        return;
    int64_t patience_ms = wait_ms(caller);
    if (patience_ms == 0) {
        caller->state = TIMED_OUT;
        return;
    }
    struct channel_wait_item items[3] = {
        {.channel = caller->channel, .want_write = gateway && !gateway->here},
        {.fd = caller->signal_fd},
        {.fd = STDIN_FILENO},
    };
    bool want_input = !caller->input_ended && caller->input.size < READ_SIZE;
    channel_wait(items, want_input ? 3 : 2, patience_ms);
    if (gateway && items[0].writable)
        gateway->here = true;
    if (items[0].readable)
        receive_all(caller);
    if (items[1].readable)
        caller->state = STOPPED;
    if (items[2].readable)
        read_input(caller);
}

static int open_stop_signals(void)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    int fd = signalfd(-1, &stop, SFD_CLOEXEC);
    if (fd < 0)
        die("signalfd: %s", strerror(errno));
    return fd;
}

static enum caller_exit finish(const struct caller *caller)
{
    const char *service = service_name(caller->settings->service);
    switch (caller->state) {
    case TIMED_OUT:
        if (caller->in_flight)
            fprintf(stderr, "%s: %zu requests without an answer\n", program_invocation_short_name,
                    caller->in_flight);
        else
            fprintf(stderr, "%s: no %s %s at %s\n", program_invocation_short_name, service,
                    caller->settings->bind ? "pool" : "answer", caller->settings->endpoint);
        return CALLER_TIMEOUT;
    case STOPPED:
        return CALLER_TIMEOUT;
    case MISUSED:
        return CALLER_USAGE;
    default:
        return caller->bad_reply ? CALLER_BAD_REPLY : CALLER_GOOD;
    }
}

static bool complain(const char *what, const char *error)
{
    fprintf(stderr, "%s: %s%s%s\n", program_invocation_short_name, what, *what ? ": " : "", error);
    return false;
}

static bool serve(struct caller *caller)
{
    const struct caller_settings *settings = caller->settings;
    struct channel_tcp tcp = {settings->endpoint, settings->secret_file, settings->clients_file};
    const char *error = NULL;
    if (!settings->secret_file)
        return channel_bind(caller->channel, settings->endpoint, &error) ||
               complain(settings->endpoint, error);
    return channel_bind_tcp(caller->channel, &tcp, &caller->arena, &error) || complain("", error);
}

static bool connect_gateway(struct caller *caller)
{
    const struct caller_settings *settings = caller->settings;
    const char *error = NULL;
    if (settings->secret_file) {
        if (!channel_keys_read(settings->secret_file, settings->gateway_file, &caller->keys,
                               &caller->arena, &error))
            return complain("", error);
        channel_use_keys(caller->channel, &caller->keys);
    }
    return channel_connect(caller->channel, settings->endpoint, &error) ||
           complain(settings->endpoint, error);
}

static bool open_channel(struct caller *caller, struct channel_context *context)
{
    bool bind = caller->settings->bind;
    caller->channel = bind ? channel_router_new(context) : channel_dealer_new(context);
    return bind ? serve(caller) : connect_gateway(caller);
}

/* libzmq leaves it; a pool's glob would find it and knock there for ever. */
static void remove_socket(const char *endpoint)
{
    static const char scheme[] = "ipc://";
    if (strncmp(endpoint, scheme, strlen(scheme)) == 0)
        (void)unlink(endpoint + strlen(scheme));
}

enum caller_exit caller_run(const struct caller_settings *settings)
{
    struct caller *caller = calloc(1, sizeof *caller);
    if (!caller)
        die("out of memory");
    caller->settings = settings;
    caller->signal_fd = open_stop_signals();
    caller->progress_us = clock_us();
    if (settings->line) {
        buf_add_str(&caller->input, str_from(settings->line));
        caller->input_ended = true;
    }
    if (!settings->bind)
        caller->pools[0].credit = SLOTS;
    struct channel_context *context = channel_context_new();
    enum caller_exit status = CALLER_USAGE;
    bool open = open_channel(caller, context);
    if (open) {
        while (caller->state == RUNNING && !all_done(caller))
            run_once(caller);
        status = finish(caller);
    }
    channel_free(caller->channel);
    channel_context_free(context);
    if (open && settings->bind)
        remove_socket(settings->endpoint);
    close(caller->signal_fd);
    buf_free(&caller->input);
    buf_free(&caller->outgoing);
    arena_free(&caller->arena);
    explicit_bzero(&caller->keys, sizeof caller->keys);
    free(caller);
    return status;
}
