#include "workers/redis_script.h"

#include "proto/base/die.h"

#include <stdio.h>

enum { WORDS_BEFORE = 3, WORDS_MAX = WORDS_BEFORE + REDIS_SCRIPT_KEYS + 4 };

static enum status run(struct redis_conn *redis, const struct redis_reply **out_reply)
{
    enum status status = redis_conn_run(redis, true, out_reply);
    return status == STATUS_OK ? (*out_reply)->status : status;
}

static enum status load(struct redis_script *script, struct redis_conn *redis)
{
    const struct redis_reply *reply;
    redis_conn_command(redis, STR("SCRIPT"), STR("LOAD"), str_from(script->body));
    enum status status = run(redis, &reply);
    if (status != STATUS_OK)
        return status;
    if (reply->kind != REDIS_TEXT || reply->text.size != sizeof script->sha - 1)
        return STATUS_INTERNAL;
    memcpy(script->sha, reply->text.data, reply->text.size);
    return STATUS_OK;
}

enum status redis_script_run(struct redis_script *script, struct redis_conn *redis,
                             const struct str *words, size_t count, size_t key_count,
                             const struct redis_reply **out_reply)
{
    char keys[24];
    struct str command[WORDS_MAX];
    must(key_count <= count && WORDS_BEFORE + count <= WORDS_MAX);
    snprintf(keys, sizeof keys, "%zu", key_count);
    for (size_t i = 0; i < count; i++)
        command[WORDS_BEFORE + i] = words[i];
    for (int attempt = 1;; attempt++) {
        enum status status = script->sha[0] ? STATUS_OK : load(script, redis);
        if (status != STATUS_OK)
            return status;
        command[0] = STR("EVALSHA");
        command[1] = str_from(script->sha);
        command[2] = str_from(keys);
        redis_conn_add(redis, command, WORDS_BEFORE + count);
        status = run(redis, out_reply);
        if (status != STATUS_NOT_FOUND)
            return status;
        script->sha[0] = '\0'; /* it was restarted or flushed */
        if (attempt == 2)
            return STATUS_UNAVAILABLE;
    }
}
