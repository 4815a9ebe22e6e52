/* channel_guard: who may connect to a router over tcp://.
 *
 * I own: the allow-list, a REP socket that libzmq asks (ZAP, RFC 27), a PAIR that tells of failed
 * handshakes, a thread. I receive: ZAP requests, events of the router. I send: ZAP replies. I am
 * stopped by the end of the context.
 *
 * Rule: in doubt, no. A list that cannot be read any more stays as it was. Who is refused is told
 * nothing, and may try again: status 400 would make a pool's libzmq give up for good, though its
 * key may be in the list a second later. So it is 300, with which libzmq hangs up. */
#include "proto/base/clock.h"
#include "proto/base/die.h"
#include "proto/base/log.h"
#include "proto/channel_own.h"
#include "proto/curve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    LOOK_MS = 1000, /* between two looks at the file */
    RAW_KEY = 32,   /* bytes of a key on the wire */
    ZAP_PARTS = 7,  /* of a request: version, id, domain, address, identity, mechanism, key */
    PART_MAX = 256, /* bytes of a part; RFC 27 allows 255 */
    LOG_EVERY_US = 1000 * 1000,
};

static const char events_endpoint[] = "inproc://vote-guard-events";

struct channel_guard {
    struct channel_context *context;
    void *asked;  /* REP */
    void *events; /* PAIR, NULL: none */
    char *path;
    struct stat seen; /* of the file, when it was last read */
    pthread_t thread;
    bool started;
    int64_t quiet_until_us; /* one line a second is enough for a flood */
    _Atomic int64_t refused;
    _Atomic bool revoked; /* a key was taken out since the start */
    pthread_mutex_t lock; /* of what follows */
    struct arena arena;   /* of the list */
    struct curve_keys list;
};

/* ---- the list ------------------------------------------------------------------------------ */

static bool holds(const struct curve_keys *list, const struct curve_key *key)
{
    for (size_t i = 0; i < list->count; i++)
        if (curve_key_equal(&list->keys[i], key))
            return true;
    return false;
}

static bool is_allowed(struct channel_guard *guard, const struct curve_key *key)
{
    pthread_mutex_lock(&guard->lock);
    bool allowed = holds(&guard->list, key);
    pthread_mutex_unlock(&guard->lock);
    return allowed;
}

static void replace_list(struct channel_guard *guard, struct arena *arena, struct curve_keys list)
{
    size_t gone = 0;
    for (size_t i = 0; i < guard->list.count; i++)
        gone += !holds(&list, &guard->list.keys[i]);
    pthread_mutex_lock(&guard->lock);
    struct arena old = guard->arena;
    guard->arena = *arena;
    guard->list = list;
    pthread_mutex_unlock(&guard->lock);
    arena_free(&old);
    if (gone)
        atomic_store(&guard->revoked, true);
    log_info("tcp_clients_read", L_TEXT("file", guard->path), L_INT("keys", (int64_t)list.count),
             L_INT("taken_out", (int64_t)gone));
}

/* False, and *out_error in arena: the list is as it was. */
static bool read_list(struct channel_guard *guard, struct arena *arena, const char **out_error)
{
    struct curve_keys list;
    struct arena fresh = {0};
    const char *error = NULL;
    if (curve_public_read_all(guard->path, &list, &fresh, &error)) {
        replace_list(guard, &fresh, list);
        return true;
    }
    *out_error = arena_printf(arena, "%s", error);
    arena_free(&fresh);
    return false;
}

/* The stat(2) of before the read: a change during the read is seen by the next look. */
static bool has_changed(struct channel_guard *guard)
{
    struct stat now = {0}, *seen = &guard->seen;
    (void)stat(guard->path, &now);
    bool same = now.st_ino == seen->st_ino && now.st_size == seen->st_size &&
                now.st_mode == seen->st_mode && now.st_ctim.tv_sec == seen->st_ctim.tv_sec &&
                now.st_ctim.tv_nsec == seen->st_ctim.tv_nsec;
    *seen = now;
    return !same;
}

static void look_at_file(struct channel_guard *guard)
{
    struct arena arena = {0};
    const char *error;
    if (has_changed(guard) && !read_list(guard, &arena, &error))
        log_error("tcp_clients_bad", L_TEXT("error", error), L_TEXT("now", "the list of before"));
    arena_free(&arena);
}

/* ---- refusing ------------------------------------------------------------------------------ */

static void count_refusal(struct channel_guard *guard, const char *why, struct str address,
                          const char *key)
{
    int64_t refused = atomic_fetch_add(&guard->refused, 1) + 1, now = clock_us();
    if (now < guard->quiet_until_us)
        return;
    guard->quiet_until_us = now + LOG_EVERY_US;
    log_warn("tcp_client_refused", L_TEXT("why", why), L_STR("address", address),
             L_TEXT("public_key", key), L_INT("refused", refused));
}

/* ---- ZAP ----------------------------------------------------------------------------------- */

struct part {
    char bytes[PART_MAX];
    size_t size;
};

/* All parts of a request are here with its first. False: the context ends. *out_count: how many
 * there were, also past ZAP_PARTS. */
static bool receive_request(struct channel_guard *guard, struct part parts[ZAP_PARTS],
                            size_t *out_count)
{
    int more = 1;
    size_t size = sizeof more;
    for (*out_count = 0; more; ++*out_count) {
        struct part *part = &parts[*out_count < ZAP_PARTS ? *out_count : ZAP_PARTS - 1];
        int got = zmq_recv(guard->asked, part->bytes, PART_MAX, 0);
        if (got < 0)
            return false;
        part->size = (size_t)got < PART_MAX ? (size_t)got : PART_MAX;
        must(zmq_getsockopt(guard->asked, ZMQ_RCVMORE, &more, &size) == 0);
    }
    return true;
}

static struct str part_str(const struct part *part)
{
    return str_make(part->bytes, part->size);
}

/* Whether libzmq may let it in; *out_key is the key's text, "" without one. */
static bool judge(struct channel_guard *guard, const struct part parts[ZAP_PARTS], size_t count,
                  struct curve_key *out_key)
{
    *out_key = (struct curve_key){.text = ""};
    if (count != ZAP_PARTS || !str_equal(part_str(&parts[0]), STR("1.0")) ||
        !str_equal(part_str(&parts[5]), STR("CURVE")) || parts[6].size != RAW_KEY)
        return false;
    must(zmq_z85_encode(out_key->text, (const uint8_t *)parts[6].bytes, RAW_KEY));
    return is_allowed(guard, out_key);
}

static void send_reply(struct channel_guard *guard, const struct part *id, bool good,
                       const struct curve_key *key)
{
    const struct str reply[] = {
        STR("1.0"), str_make(id->bytes, id->size),        good ? STR("200") : STR("300"),
        STR(""),    good ? str_from(key->text) : STR(""), /* User-Id of its frames */
        STR(""),
    };
    size_t count = sizeof reply / sizeof *reply;
    for (size_t i = 0; i < count; i++)
        if (zmq_send(guard->asked, reply[i].data, reply[i].size, i + 1 < count ? ZMQ_SNDMORE : 0) <
            0)
            return; /* the context ends */
}

static void on_question(struct channel_guard *guard)
{
    struct part parts[ZAP_PARTS] = {0};
    struct curve_key key;
    size_t count;
    if (!receive_request(guard, parts, &count))
        return;
    look_at_file(guard);
    bool good = judge(guard, parts, count, &key);
    if (!good)
        count_refusal(guard, "its key is not in the list", part_str(&parts[3]), key.text);
    send_reply(guard, &parts[1], good, &key);
}

/* ---- handshakes that come to no key -------------------------------------------------------- */

/* Two parts: what happened and its number, then our endpoint. Those that came to us have been
 * refused by ZAP already. */
static void on_event(struct channel_guard *guard)
{
    unsigned char event[6];
    char endpoint[PART_MAX];
    int got = zmq_recv(guard->events, event, sizeof event, 0);
    int size = got < 0 ? -1 : zmq_recv(guard->events, endpoint, sizeof endpoint, 0);
    if (size < 0 || (size_t)size > sizeof endpoint ||
        !str_starts(str_make(endpoint, (size_t)size), STR("tcp://")))
        return;
    count_refusal(guard, "it does not speak CURVE with our key", str_make(endpoint, (size_t)size),
                  "");
}

/* ---- the thread ---------------------------------------------------------------------------- */

static void *run(void *argument)
{
    struct channel_guard *guard = argument;
    zmq_pollitem_t items[] = {{.socket = guard->asked, .events = ZMQ_POLLIN},
                              {.socket = guard->events, .events = ZMQ_POLLIN}};
    for (;;) {
        int rc = zmq_poll(items, 2, LOOK_MS);
        if (rc < 0 && errno == ETERM)
            break;
        if (rc > 0 && (items[0].revents & ZMQ_POLLIN))
            on_question(guard);
        if (rc > 0 && (items[1].revents & ZMQ_POLLIN))
            on_event(guard);
        look_at_file(guard);
    }
    zmq_close(guard->asked);
    zmq_close(guard->events);
    return NULL;
}

/* ---- start and stop ------------------------------------------------------------------------ */

struct channel_guard *channel_guard_new(struct channel_context *context, const char *clients_file,
                                        struct arena *arena, const char **out_error)
{
    struct channel_guard *guard = calloc(1, sizeof *guard);
    if (!guard || !(guard->path = strdup(clients_file)))
        die("out of memory");
    guard->context = context;
    pthread_mutex_init(&guard->lock, NULL);
    (void)has_changed(guard);
    if (!read_list(guard, arena, out_error)) {
        channel_guard_free(guard);
        return NULL;
    }
    guard->asked = channel_socket_new(guard->context, ZMQ_REP);
    must(zmq_bind(guard->asked, "inproc://zeromq.zap.01") == 0);
    return guard;
}

void channel_guard_watch(struct channel_guard *guard, struct channel *router)
{
    must(zmq_socket_monitor(router->socket, events_endpoint,
                            ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) == 0);
    guard->events = channel_socket_new(guard->context, ZMQ_PAIR);
    must(zmq_connect(guard->events, events_endpoint) == 0);
}

void channel_guard_start(struct channel_guard *guard)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&guard->thread, NULL, run, guard) != 0)
        die("no thread: %s", strerror(errno));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    guard->started = true;
}

void channel_guard_free(struct channel_guard *guard)
{
    if (!guard)
        return;
    if (guard->started)
        pthread_join(guard->thread, NULL);
    pthread_mutex_destroy(&guard->lock);
    arena_free(&guard->arena);
    free(guard->path);
    free(guard);
}

/* ---- seen by the router -------------------------------------------------------------------- */

bool channel_guard_admits(struct channel_guard *guard, zmq_msg_t *frame)
{
    struct curve_key key;
    if (!atomic_load_explicit(&guard->revoked, memory_order_acquire))
        return true;
    const char *user = zmq_msg_gets(frame, "User-Id");
    /* ipc:// knows no users. */
    return !user || (curve_key_parse(str_from(user), &key) && is_allowed(guard, &key));
}

int64_t channel_guard_refused(struct channel_guard *guard)
{
    return atomic_load(&guard->refused);
}
