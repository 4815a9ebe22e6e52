#include "workers/worker_own.h"

#include "proto/base/clock.h"
#include "proto/base/die.h"
#include "proto/base/log.h"
#include "proto/channel_curve.h"

#include <glob.h>
#include <stdlib.h>
#include <unistd.h>

enum { RENEW_AFTER_MS = 2000 };

static bool is_idle(const struct link *link)
{
    return link->in_flight[LANE_READ] + link->in_flight[LANE_WRITE] == 0;
}

static struct link *link_find(struct worker *worker, const char *endpoint)
{
    for (size_t i = 0; i < LINKS; i++)
        if (worker->links[i].endpoint && strcmp(worker->links[i].endpoint, endpoint) == 0)
            return &worker->links[i];
    return NULL;
}

static struct channel *new_dealer(struct worker *worker)
{
    struct channel *dealer = channel_dealer_new(worker->context);
    channel_use_keys(dealer, worker->settings->keys);
    return dealer;
}

static void link_open(struct worker *worker, const char *endpoint, bool globbed)
{
    if (link_find(worker, endpoint))
        return;
    struct link *link = worker->links;
    while (link < worker->links + LINKS && link->endpoint)
        link++;
    if (link == worker->links + LINKS) {
        log_error("gateways_too_many", L_TEXT("endpoint", endpoint), L_INT("limit", LINKS));
        return;
    }
    const char *error = NULL;
    struct channel *dealer = new_dealer(worker);
    if (!channel_connect(dealer, endpoint, &error)) {
        log_error("gateway_endpoint_bad", L_TEXT("endpoint", endpoint), L_TEXT("error", error));
        channel_free(dealer);
        return;
    }
    *link = (struct link){
        .endpoint = strdup(endpoint), .globbed = globbed, .dealer = dealer, .up_us = clock_us()};
    if (!link->endpoint)
        die("out of memory");
}

void worker_link_close(struct worker *worker, struct link *link)
{
    must(is_idle(link));
    worker_send_bundle(worker, link);
    bundle_free(&link->bundle);
    worker->bad_frames += channel_malformed(link->dealer);
    channel_free(link->dealer);
    free(link->endpoint);
    *link = (struct link){.endpoint = NULL};
}

static const char ipc_scheme[] = "ipc://";

static void look_for(struct worker *worker, const char *pattern)
{
    if (strncmp(pattern, ipc_scheme, strlen(ipc_scheme)) != 0 || !strpbrk(pattern, "*?[")) {
        link_open(worker, pattern, false);
        return;
    }
    glob_t found;
    if (glob(pattern + strlen(ipc_scheme), GLOB_NOSORT, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            link_open(worker, arena_printf(&worker->arena, "%s%s", ipc_scheme, found.gl_pathv[i]),
                      true);
    globfree(&found);
}

/* A gateway that stopped for good removed its socket file. */
static void drop_vanished(struct worker *worker)
{
    for (size_t i = 0; i < LINKS; i++) {
        struct link *link = &worker->links[i];
        if (link->endpoint && link->globbed && is_idle(link) &&
            access(link->endpoint + strlen(ipc_scheme), F_OK) != 0) {
            log_info("gateway_gone", L_TEXT("endpoint", link->endpoint));
            worker_link_close(worker, link);
        }
    }
}

/* libzmq never tries again where it once met something that does not speak its protocol, and may
 * take what is sent there for ever. */
static void renew_dead(struct worker *worker)
{
    int64_t now = clock_us();
    for (size_t i = 0; i < LINKS; i++) {
        struct link *link = &worker->links[i];
        const char *error;
        if (!link->endpoint)
            continue;
        if (channel_is_up(link->dealer))
            link->up_us = now;
        if (now - link->up_us < RENEW_AFTER_MS * 1000)
            continue;
        worker->bad_frames += channel_malformed(link->dealer);
        channel_free(link->dealer);
        link->dealer = new_dealer(worker);
        link->up_us = now;
        link->announced = false;
        if (!channel_connect(link->dealer, link->endpoint, &error))
            log_error("gateway_endpoint_bad", L_TEXT("endpoint", link->endpoint),
                      L_TEXT("error", error));
    }
}

void worker_look_for_gateways(struct worker *worker)
{
    drop_vanished(worker);
    renew_dead(worker);
    for (size_t i = 0; i < worker->settings->gateway_count; i++)
        look_for(worker, worker->settings->gateways[i]);
}
