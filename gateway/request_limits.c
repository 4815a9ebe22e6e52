/* How often is too often. Votes and pages: this gateway's own buckets, before anybody is asked.
 * Log-ins and registrations: counts in Redis that all gateways share. */
#include "gateway/request.h"

#include "proto/base/clock.h"

static bool find_client(const struct request *request, struct client *out)
{
    return client_of(&request->gateway->config->gateway.trusted_proxies, request->exchange->client,
                     request->http, out);
}

struct client request_client(const struct request *request)
{
    struct client client;
    find_client(request, &client);
    return client;
}

/* Does it come by some proxy, whatever that tells of its client? */
static bool is_forwarded(const struct http_request *http)
{
    static const char *const names[] = {"X-Real-IP", "X-Forwarded-For", "Forwarded", "Via"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (http_header(http, names[i]).data)
            return true;
    return false;
}

bool request_is_developer(const struct request *request)
{
    struct client client;
    return (find_client(request, &client) || !is_forwarded(request->http)) &&
           client_is_among(&request->gateway->config->debug.hosts, &client) &&
           client_host_is_local(request->http->host);
}

/* ---- attempts: counted in Redis ------------------------------------------------------------ */

static struct str address_text(struct request *request)
{
    struct client client = request_client(request);
    return str_from(client_print(&client, arena_alloc(&request->arena, CLIENT_TEXT)));
}

struct ask *request_count_attempt(struct request *request, const char *kind, struct str account)
{
    return request_ask(request, MESSAGE_attempt_count,
                       &(struct attempt_count){str_from(kind), account, address_text(request)});
}

static enum status attempt_status(struct request *request, const struct ask *ask)
{
    if (ask->answer.status != STATUS_OK)
        return ask->answer.status;
    const struct attempt_count_reply *reply = ask->answer.reply;
    request->retry_after_s = reply->retry_after_s;
    return reply->allowed ? STATUS_OK : STATUS_TOO_MANY_ATTEMPTS;
}

bool request_may_attempt(struct request *request, const struct ask *ask,
                         void (*refuse)(struct request *request, enum status status))
{
    enum status status = attempt_status(request, ask);
    if (status == STATUS_TOO_MANY_ATTEMPTS)
        refuse(request, status);
    else if (status != STATUS_OK)
        request_fail(request, status); /* not known is not allowed */
    return status == STATUS_OK;
}

struct ask *request_clear_attempt(struct request *request, const char *kind, struct str account)
{
    return request_ask(request, MESSAGE_attempt_clear,
                       &(struct attempt_clear){str_from(kind), account, address_text(request)});
}

/* ---- votes and pages: counted here --------------------------------------------------------- */

/* Takes one from a bucket; answers 429 and returns false if there is none. */
static bool take(struct request *request, enum throttle_kind kind, const void *key, size_t size,
                 int64_t per_minute)
{
    int64_t wait_us =
        throttle_take(request->gateway->throttle, kind, key, size, per_minute, clock_us());
    if (wait_us == 0)
        return true;
    request->retry_after_s = (wait_us + 999999) / 1000000;
    request_fail(request, STATUS_TOO_MANY_ATTEMPTS);
    return false;
}

static bool counts_as(const struct request *request, enum route_count count)
{
    return request->route->count == count &&
           (count == COUNT_VOTES) == (request->http->method == HTTP_POST);
}

bool request_address_may(struct request *request)
{
    bool votes = counts_as(request, COUNT_VOTES);
    int64_t limit = votes ? request->gateway->config->throttle.votes_address
                          : request->gateway->config->throttle.reads_address;
    if (limit == 0 || !(votes || counts_as(request, COUNT_READS)))
        return true;
    struct client client;
    if (!find_client(request, &client))
        return true; /* all who come by this proxy would share one count */
    return take(request, votes ? THROTTLE_VOTES_ADDRESS : THROTTLE_READS_ADDRESS, client.bytes,
                sizeof client.bytes, limit);
}

bool request_account_may(struct request *request)
{
    bool votes = counts_as(request, COUNT_VOTES);
    int64_t limit = votes ? request->gateway->config->throttle.votes_account
                          : request->gateway->config->throttle.reads_account;
    if (limit == 0 || request->user_id == 0 || !(votes || counts_as(request, COUNT_READS)))
        return true;
    return take(request, votes ? THROTTLE_VOTES_ACCOUNT : THROTTLE_READS_ACCOUNT, &request->user_id,
                sizeof request->user_id, limit);
}
