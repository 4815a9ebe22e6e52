#include "workers/attempts.h"

#include "proto/base/die.h"
#include "workers/keyed_hash.h"
#include "workers/redis_script.h"

#include <stdlib.h>

/* Both scripts have the keys: both, account, address, known. */
enum { KEY_BOTH, KEY_ACCOUNT, KEY_ADDRESS, KEY_KNOWN, KEY_COUNT, WORDS = KEY_COUNT + 4 };

/* Arguments: the limits of the first three keys, and the window in ms. Answers how many more would
 * be allowed, or, below 0, for how many ms none is. A count without an end never stays. */
static const char count_script[] =
    "local limits, left, wait = {}, 1000000, 0\n"
    "for i = 1, 3 do\n"
    "  limits[i] = tonumber(ARGV[i])\n"
    "  if i == 2 and redis.call('EXISTS', KEYS[4]) == 1 then limits[i] = 0 end\n"
    "  if limits[i] > 0 then\n"
    "    local count = tonumber(redis.call('GET', KEYS[i]) or '0') or 0\n"
    "    left = math.min(left, limits[i] - count - 1)\n"
    "    if count > 0 and redis.call('PTTL', KEYS[i]) < 0 then\n"
    "      redis.call('PEXPIRE', KEYS[i], ARGV[4])\n"
    "    end\n"
    "    if count >= limits[i] then\n"
    "      wait = math.max(wait, redis.call('PTTL', KEYS[i]), 1)\n"
    "    end\n"
    "  end\n"
    "end\n"
    "if wait > 0 then return -wait end\n"
    "for i = 1, 3 do\n"
    "  if limits[i] > 0 and redis.call('INCR', KEYS[i]) == 1 then\n"
    "    redis.call('PEXPIRE', KEYS[i], ARGV[4])\n"
    "  end\n"
    "end\n"
    "return left\n";

/* Argument: for how many seconds the address is known from now on. A known address was not counted
 * for its account, so there is nothing to take back there. */
static const char clear_script[] =
    "redis.call('DEL', KEYS[1])\n"
    "for i = 2, 3 do\n"
    "  local counted = i == 3 or redis.call('EXISTS', KEYS[4]) == 0\n"
    "  if counted and (tonumber(redis.call('GET', KEYS[i]) or '0') or 0) > 0 then\n"
    "    redis.call('DECR', KEYS[i])\n"
    "  end\n"
    "end\n"
    "if tonumber(ARGV[1]) > 0 then redis.call('SET', KEYS[4], 1, 'EX', ARGV[1]) end\n"
    "return 0\n";

struct attempts {
    const struct attempts_settings *settings;
    struct redis_conn *redis;
    struct redis_script count, clear;
};

struct attempts *attempts_new(const struct attempts_settings *settings, struct redis_conn *redis)
{
    struct attempts *attempts = calloc(1, sizeof *attempts);
    if (!attempts)
        die("out of memory");
    attempts->settings = settings;
    attempts->redis = redis;
    attempts->count.body = count_script;
    attempts->clear.body = clear_script;
    return attempts;
}

void attempts_free(struct attempts *attempts)
{
    free(attempts);
}

/* ---- names --------------------------------------------------------------------------------- */

static const struct attempts_limits *limits_of(const struct attempts_settings *settings,
                                               struct str kind)
{
    if (str_equal(kind, STR("login")))
        return &settings->login;
    return str_equal(kind, STR("register")) ? &settings->registration : NULL;
}

/* The secret in Redis is asked for each time: after Redis was emptied all pools agree on the next
 * one at once, and next to a password a round trip is nothing. */
static enum status find_secret(const struct attempts *attempts, struct arena *arena,
                               struct str *out)
{
    *out = str_from(attempts->settings->secret);
    if (out->size)
        return STATUS_OK;
    unsigned char bits[32];
    char fresh[2 * sizeof bits + 1];
    const struct redis_reply *replies;
    struct str key =
        str_from(arena_printf(arena, "%s:attempts:secret", attempts->settings->prefix));
    random_bytes(bits, sizeof bits);
    hex_encode(bits, sizeof bits, fresh);
    redis_conn_command(attempts->redis, STR("SET"), key, str_from(fresh), STR("NX"));
    redis_conn_command(attempts->redis, STR("GET"), key);
    enum status status = redis_conn_run(attempts->redis, true, &replies);
    if (status == STATUS_OK && replies[0].status != STATUS_OK)
        status = replies[0].status;
    if (status != STATUS_OK)
        return status;
    if (replies[1].kind != REDIS_TEXT || replies[1].text.size == 0)
        return STATUS_UNAVAILABLE;
    *out = arena_str(arena, replies[1].text);
    return STATUS_OK;
}

static struct str lower(struct arena *arena, struct str s)
{
    char *copy = arena_cstr(arena, s);
    for (size_t i = 0; i < s.size; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] + ('a' - 'A'));
    return str_make(copy, s.size);
}

struct attempt {
    struct str kind, account, address;
};

static enum status name_keys(const struct attempts *attempts, struct arena *arena,
                             const struct attempt *attempt, struct str out[KEY_COUNT])
{
    static const char *const scopes[KEY_COUNT] = {"both", "account", "address", "known"};
    struct str secret, account = lower(arena, attempt->account);
    enum status status = find_secret(attempts, arena, &secret);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        char name[KEYED_HASH_TEXT + 1];
        const struct str parts[] = {
            attempt->kind,
            str_from(scopes[i]),
            i == KEY_ADDRESS ? STR("") : account,
            i == KEY_ACCOUNT ? STR("") : attempt->address,
        };
        keyed_hash(secret, parts, sizeof parts / sizeof *parts, name);
        out[i] = str_from(
            arena_printf(arena, "%s:attempts:%s:%s", attempts->settings->prefix, scopes[i], name));
    }
    return STATUS_OK;
}

static struct str number(struct arena *arena, int64_t value)
{
    return str_from(arena_printf(arena, "%lld", (long long)value));
}

/* ---- the two messages ---------------------------------------------------------------------- */

static void answer_count(struct job *job, int64_t result)
{
    struct attempt_count_reply reply = {.allowed = result >= 0};
    if (reply.allowed)
        reply.remaining = result;
    else
        reply.retry_after_s = (-result + 999) / 1000;
    job_answer(job, &reply);
}

void attempts_count(struct attempts *attempts, struct job *job)
{
    const struct attempt_count *request = job->request;
    const struct attempts_limits *limits = limits_of(attempts->settings, request->kind);
    struct str words[WORDS];
    const struct redis_reply *reply;
    if (!limits) {
        job_fail_field(job, "kind", "is none");
        return;
    }
    bool named = request->account.size > 0;
    struct arena *arena = &job->arena;
    const struct attempt attempt = {request->kind, request->account, request->address};
    enum status status = name_keys(attempts, arena, &attempt, words);
    words[KEY_COUNT + 0] = number(arena, named ? limits->both : 0);
    words[KEY_COUNT + 1] = number(arena, named ? limits->account : 0);
    words[KEY_COUNT + 2] = number(arena, limits->address);
    words[KEY_COUNT + 3] = number(arena, limits->window_s * 1000);
    if (status == STATUS_OK)
        status = redis_script_run(&attempts->count, attempts->redis, words, KEY_COUNT + 4,
                                  KEY_COUNT, &reply);
    if (status == STATUS_OK && reply->kind == REDIS_INT)
        answer_count(job, reply->number);
    else
        job_fail(job, status == STATUS_OK ? STATUS_INTERNAL : status, "Redis did not count");
}

void attempts_clear(struct attempts *attempts, struct job *job)
{
    const struct attempt_clear *request = job->request;
    struct str words[WORDS];
    const struct redis_reply *reply;
    if (!limits_of(attempts->settings, request->kind)) {
        job_fail_field(job, "kind", "is none");
        return;
    }
    const struct attempt attempt = {request->kind, request->account, request->address};
    enum status status = name_keys(attempts, &job->arena, &attempt, words);
    int64_t known_s = request->account.size ? attempts->settings->known_s : 0;
    words[KEY_COUNT] = number(&job->arena, known_s);
    if (status == STATUS_OK)
        status = redis_script_run(&attempts->clear, attempts->redis, words, KEY_COUNT + 1,
                                  KEY_COUNT, &reply);
    if (status == STATUS_OK)
        job_answer(job, &(struct attempt_clear_reply){});
    else
        job_fail(job, status, "Redis did not clear the counts");
}
