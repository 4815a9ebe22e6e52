/* worker: the agent of a pool.
 *
 * I own: one dealer per gateway, the crew of threads, every job between receipt and answer.
 * I receive: requests and who, drain_ok from gateways; answered jobs from the crew; SIGTERM,
 * SIGINT; SIGUSR1 and SIGUSR2 for the log. I send: ready, heartbeat, drain, bye and the answers to
 * gateways; jobs to the crew. I am stopped by SIGTERM: drain, answer what waits, bye. */
#include "workers/worker_own.h"

#include "proto/base/clock.h"
#include "proto/base/die.h"
#include "proto/base/log.h"
#include "proto/base/notify.h"
#include "proto/channel_curve.h"
#include "workers/work.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    RECEIVE_BURST = 512,
    TURN_MS = 100, /* a turn of the loop takes less, or the process was stopped */
};

/* ---- sending ------------------------------------------------------------------------------- */

void worker_send_bundle(struct worker *worker, struct link *link)
{
    int64_t count = link->bundle.count;
    if (!bundle_send(&link->bundle, link->dealer, NULL))
        worker->lost_answers += count;
}

/* Answers that are ready together go out together, at the end of a turn at the latest. */
static void add_answer(struct worker *worker, struct link *link, const struct envelope *envelope,
                       struct str body)
{
    if (!bundle_has_room(&link->bundle, ENVELOPE_SIZE + body.size + envelope->trace.size))
        worker_send_bundle(worker, link);
    bundle_pack(&link->bundle, envelope, body);
}

/* Behind the answers that wait. */
static bool send_control(struct worker *worker, struct link *link, unsigned number,
                         const void *message)
{
    struct buf *frame = &worker->outgoing;
    worker_send_bundle(worker, link);
    buf_reset(frame);
    envelope_begin(&(struct envelope){.type = (uint16_t)number}, frame);
    message_pack(message_type_find(number)->record(), message, frame);
    envelope_end(frame, 0);
    return channel_send(link->dealer, NULL, buf_str(frame)) == CHANNEL_SENT;
}

static void send_ready(struct worker *worker, struct link *link)
{
    char host[65] = "";
    gethostname(host, sizeof host - 1);
    struct ready ready = {
        .pool_id = worker->pool_id,
        .service = str_from(service_name(worker->service->service)),
        .threads = (int64_t)worker->settings->threads,
        .capacity = (int64_t)worker->settings->credits,
        .reads_held = (int64_t)link->in_flight[LANE_READ],
        .writes_held = (int64_t)link->in_flight[LANE_WRITE],
        .heartbeat_ms = worker->settings->heartbeat_ms,
        .host = str_from(host),
        .pid = getpid(),
    };
    if (!send_control(worker, link, MESSAGE_ready, &ready))
        return;
    link->announced = true;
    link->drained = false;
    log_info("gateway_joined", L_TEXT("endpoint", link->endpoint), L_ID("pool", worker->pool_id));
}

static void answer_job(struct worker *worker, struct job *job)
{
    struct link *link = &worker->links[job->gateway];
    struct envelope envelope = {
        .attempt = job->attempt,
        .type = (uint16_t)(job->status == STATUS_OK ? message_reply_type(job->type)->number
                                                    : MESSAGE_error),
        .status = (uint16_t)job->status,
        .slot = job->slot,
        .generation = job->generation,
        .request_id = job->request_id,
        .credit = 1,
        .batch = (uint16_t)job->batch,
        .queue_us = (uint32_t)(job->started_us - job->received_us),
        .service_us = (uint32_t)(job->finished_us - job->started_us),
        .trace = buf_str(&job->report),
    };
    log_debug("job_answered", L_ID("request", job->request_id), L_TEXT("message", job->type->name),
              L_TEXT("status", status_name(job->status)), L_INT("queue_us", envelope.queue_us),
              L_INT("service_us", envelope.service_us), L_INT("batch", envelope.batch));
    add_answer(worker, link, &envelope, buf_str(&job->body));
}

static void finish_job(struct worker *worker, struct job *job)
{
    answer_job(worker, job);
    worker->links[job->gateway].in_flight[job->type->lane]--;
    worker->in_flight--;
    buf_free(&job->body);
    buf_free(&job->report);
    arena_free(&job->arena);
    free(job);
}

/* An answer given by the agent itself, without a thread. */
static void refuse_job(struct worker *worker, struct job *job, enum status status,
                       const char *detail)
{
    job->started_us = job->finished_us = clock_us();
    job_fail(job, status, detail);
    finish_job(worker, job);
}

/* ---- handlers ------------------------------------------------------------------------------ */

static void on_request(struct worker *worker, size_t link, const struct envelope *envelope,
                       const struct message_type *type, struct str body)
{
    struct job *job = zeroed(sizeof *job);
    int64_t now = clock_us();
    job->type = type;
    job->request_id = envelope->request_id;
    job->received_us = now;
    /* What lay in the socket of a stopped process has aged there. */
    job->deadline_us = now - worker->asleep_us + (int64_t)envelope->ttl_ms * 1000;
    job->gateway = link;
    job->slot = envelope->slot;
    job->generation = envelope->generation;
    job->attempt = envelope->attempt;
    job->traced = work_is_wanted(envelope->trace);
    worker->links[link].in_flight[type->lane]++;
    worker->in_flight++;

    const char *error = NULL;
    job->request = message_unpack(type->record(), body, &job->arena, &error);
    if (!job->request) {
        worker->bad_frames++;
        log_warn("message_bad", L_TEXT("message", type->name), L_TEXT("error", error),
                 L_ID("request", job->request_id));
        refuse_job(worker, job, STATUS_BAD_MESSAGE, error);
        return;
    }
    if (!crew_submit(worker->crew, &job))
        refuse_job(worker, job, STATUS_BUSY, "the pool's queue is full");
}

/* Asked by a gateway that does not know this pool, or wonders whether it is still there. */
static void on_who(struct worker *worker, size_t number)
{
    struct link *link = &worker->links[number];
    if (worker->drain_until_us) {
        if (!link->drained && !send_control(worker, link, MESSAGE_drain, &(struct drain){}))
            link->drained = true; /* nobody there who could ask */
        return;
    }
    link->announced = false;
    send_ready(worker, link);
}

static void on_drain_ok(struct worker *worker, size_t link)
{
    worker->links[link].drained = true;
}

static const struct control_handler {
    unsigned message;
    void (*handle)(struct worker *worker, size_t link);
} control_handlers[] = {
    {MESSAGE_who, on_who},
    {MESSAGE_drain_ok, on_drain_ok},
};

/* False unless it is a control message for a pool, with the body it should have. */
static bool on_control(struct worker *worker, size_t link, const struct message_type *type,
                       struct str body)
{
    const char *error;
    for (size_t i = 0; i < sizeof control_handlers / sizeof *control_handlers; i++)
        if (control_handlers[i].message == type->number &&
            message_unpack(type->record(), body, &worker->arena, &error)) {
            control_handlers[i].handle(worker, link);
            return true;
        }
    return false;
}

static bool service_handles(const struct job_service *service, unsigned number)
{
    for (size_t i = 0; i < service->handler_count; i++)
        if (service->handlers[i].message == number)
            return true;
    return false;
}

static void count_bad(struct worker *worker, const char *error, int64_t type, size_t size)
{
    worker->bad_frames++;
    log_warn("frame_bad", L_TEXT("error", error), L_INT("type", type), L_INT("size", (int64_t)size),
             L_INT("total", worker->bad_frames));
}

/* A request this pool does not know can still be answered: who asks need not wait. */
static void answer_unknown(struct worker *worker, size_t link, struct envelope envelope)
{
    struct error error = {.detail = STR("not a message for this pool")};
    buf_reset(&worker->outgoing);
    message_pack(record_error(), &error, &worker->outgoing);
    envelope.type = MESSAGE_error;
    envelope.status = STATUS_BAD_MESSAGE;
    envelope.credit = 1;
    envelope.trace = (struct str){0};
    add_answer(worker, &worker->links[link], &envelope, buf_str(&worker->outgoing));
}

static void on_message(struct worker *worker, size_t link, const struct envelope *envelope,
                       struct str body)
{
    const struct message_type *type = message_type_find(envelope->type);
    if (type && type->kind == MESSAGE_REQUEST && service_handles(worker->service, type->number)) {
        on_request(worker, link, envelope, type, body);
        return;
    }
    bool control = type && type->kind == MESSAGE_CONTROL;
    if (control && on_control(worker, link, type, body))
        return;
    count_bad(worker, "not a message for this pool", envelope->type, body.size);
    if (!control)
        answer_unknown(worker, link, *envelope);
}

static void on_frame(struct worker *worker, size_t link, struct str frame)
{
    struct envelope envelope;
    struct str body;
    enum envelope_error error = envelope_check(frame);
    if (error)
        count_bad(worker, envelope_error_text(error), -1, frame.size);
    while (!error && envelope_next(&frame, &envelope, &body))
        on_message(worker, link, &envelope, body);
}

/* ---- time ---------------------------------------------------------------------------------- */

static void send_heartbeats(struct worker *worker)
{
    struct crew_progress progress = crew_progress(worker->crew);
    struct heartbeat heartbeat = {progress.oldest_ms[LANE_READ], progress.oldest_ms[LANE_WRITE],
                                  progress.busy, progress.queued};
    for (size_t i = 0; i < LINKS; i++) {
        struct link *link = &worker->links[i];
        if (!link->endpoint || !link->announced ||
            send_control(worker, link, MESSAGE_heartbeat, &heartbeat))
            continue;
        /* Its gateway is not there any more; ready is said to the next one as soon as it is. (One
         * that was replaced between two heartbeats asks who this is.) */
        link->announced = false;
        link->drained = true;
    }
}

static void on_tick(struct worker *worker)
{
    if (!worker->drain_until_us)
        worker_look_for_gateways(worker);
    send_heartbeats(worker);
    worker->next_tick_us = clock_us() + worker->settings->heartbeat_ms * 1000;
}

/* ---- leaving ------------------------------------------------------------------------------- */

static void on_stop_signal(struct worker *worker)
{
    if (worker->drain_until_us)
        return;
    notify("STOPPING=1");
    log_info("pool_draining", L_ID("pool", worker->pool_id),
             L_INT("in_flight", (int64_t)worker->in_flight));
    worker->drain_until_us = clock_us() + worker->settings->drain_ms * 1000;
    for (size_t i = 0; i < LINKS; i++) {
        struct link *link = &worker->links[i];
        if (!link->endpoint)
            continue;
        if (!link->announced || !send_control(worker, link, MESSAGE_drain, &(struct drain){}))
            link->drained = true; /* nobody there who could ask */
    }
}

static void on_signal(struct worker *worker)
{
    struct signalfd_siginfo info;
    if (read(worker->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (info.ssi_signo == SIGUSR1 || info.ssi_signo == SIGUSR2)
        log_set_verbose(info.ssi_signo == SIGUSR1);
    else
        on_stop_signal(worker);
}

static bool all_drained(const struct worker *worker)
{
    for (size_t i = 0; i < LINKS; i++)
        if (worker->links[i].endpoint && !worker->links[i].drained)
            return false;
    return true;
}

/* Past the drain time what no thread has started goes back, for another pool to do. */
static void reject_waiting(struct worker *worker)
{
    struct job *next;
    for (struct job *job = crew_reject(worker->crew); job; job = next) {
        next = job->next;
        refuse_job(worker, job, STATUS_REJECTED, "the pool is leaving");
    }
}

static void leave_when_done(struct worker *worker)
{
    bool late = clock_us() >= worker->drain_until_us;
    if (late)
        reject_waiting(worker);
    if (worker->in_flight > 0 || !(late || all_drained(worker)))
        return;
    for (size_t i = 0; i < LINKS; i++)
        if (worker->links[i].endpoint && worker->links[i].announced)
            (void)send_control(worker, &worker->links[i], MESSAGE_bye, &(struct bye){});
    worker->stopping = true;
}

/* ---- loop ---------------------------------------------------------------------------------- */

static void receive_all(struct worker *worker, size_t link)
{
    struct channel_frame frame;
    /* Bounded, so that answers are sent in between under a flood. */
    for (int i = 0; i < RECEIVE_BURST; i++) {
        if (!channel_receive(worker->links[link].dealer, &frame))
            return;
        on_frame(worker, link, frame.bytes);
        channel_frame_free(&frame);
    }
}

static void collect_answers(struct worker *worker)
{
    struct job *next;
    for (struct job *job = crew_collect(worker->crew); job; job = next) {
        next = job->next;
        finish_job(worker, job);
    }
}

static int64_t wait_ms(const struct worker *worker)
{
    int64_t now = clock_us(), until = worker->next_tick_us;
    if (worker->drain_until_us > now && worker->drain_until_us < until)
        until = worker->drain_until_us;
    if (worker->crew_due_us && worker->crew_due_us < until)
        until = worker->crew_due_us;
    int64_t left = until - now;
    return left > 0 ? (left + 999) / 1000 : 0;
}

/* After a stop libzmq's thread has to run again too, before what came meanwhile is here: it is aged
 * for as long as a turn may take. */
static void wait_for_messages(struct worker *worker, struct channel_wait_item *items, size_t count)
{
    int64_t planned_us = wait_ms(worker) * 1000, before = worker->turned_us;
    channel_wait(items, count, planned_us / 1000);
    worker->turned_us = clock_us();
    int64_t asleep_us = before ? worker->turned_us - before - planned_us : 0;
    if (asleep_us > TURN_MS * 1000) {
        worker->asleep_us = asleep_us;
        worker->woke_us = worker->turned_us;
    } else if (worker->turned_us - worker->woke_us > TURN_MS * 1000) {
        worker->asleep_us = 0;
    }
}

static void run_once(struct worker *worker)
{
    struct channel_wait_item items[LINKS + 2] = {{.fd = worker->signal_fd},
                                                 {.fd = crew_fd(worker->crew)}};
    size_t link_of[LINKS + 2], count = 2;
    for (size_t i = 0; i < LINKS; i++)
        if (worker->links[i].endpoint) {
            worker_send_bundle(worker, &worker->links[i]);
            link_of[count] = i;
            items[count].channel = worker->links[i].dealer;
            items[count].want_write = !worker->links[i].announced && !worker->drain_until_us;
            count++;
        }
    wait_for_messages(worker, items, count);
    if (items[0].readable)
        on_signal(worker);
    for (size_t i = 2; i < count; i++) {
        if (items[i].writable && !worker->drain_until_us)
            send_ready(worker, &worker->links[link_of[i]]);
        if (items[i].readable)
            receive_all(worker, link_of[i]);
    }
    worker->crew_due_us = crew_wake(worker->crew);
    if (items[1].readable)
        collect_answers(worker);
    if (clock_us() >= worker->next_tick_us)
        on_tick(worker);
    if (worker->drain_until_us)
        leave_when_done(worker);
    arena_reset(&worker->arena);
}

static int open_signals(void)
{
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGINT);
    sigaddset(&watched, SIGUSR1);
    sigaddset(&watched, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &watched, NULL);
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        die("signalfd: %s", strerror(errno));
    return fd;
}

int worker_run(const struct job_service *service, const struct worker_settings *settings)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        die("out of memory");
    worker->service = service;
    worker->settings = settings;
    worker->pool_id = id_random();
    worker->signal_fd = open_signals();
    worker->crew =
        crew_start(service, settings->threads, settings->queue_limit, settings->batch_max,
                   settings->patience_ms, settings->service_settings);
    worker->context = channel_context_new();
    log_info("pool_started", L_TEXT("service", service_name(service->service)),
             L_ID("pool", worker->pool_id), L_INT("threads", (int64_t)settings->threads),
             L_INT("credits", (int64_t)settings->credits));
    notify("READY=1"); /* it looks for gateways, which may come later */
    while (!worker->stopping)
        run_once(worker);
    crew_stop(worker->crew);
    for (size_t i = 0; i < LINKS; i++)
        if (worker->links[i].endpoint)
            worker_link_close(worker, &worker->links[i]);
    channel_context_free(worker->context);
    log_info("pool_stopped", L_ID("pool", worker->pool_id), L_INT("bad_frames", worker->bad_frames),
             L_INT("lost_answers", worker->lost_answers));
    close(worker->signal_fd);
    arena_free(&worker->arena);
    buf_free(&worker->outgoing);
    free(worker);
    return 0;
}
