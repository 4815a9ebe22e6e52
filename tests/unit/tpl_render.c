/* tpl_render [DIR]: renders for the oracle test. Each line of standard input is a case:
 *
 *   {"templates": {"NAME": "source", …}, "render": "NAME", "context": {…}, "offset": minutes}
 *
 * and gets a line {"ok": true, "out": "…"} or {"ok": false, "error": "…"}. With DIR the templates
 * are those of the directory, and cases name none. {"$safe": "…"} in a context is a safe text.
 * url() and static() are the stand-ins tpl_oracle_test.py has too. */
#include "gateway/tpl/tpl.h"
#include "proto/base/die.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static struct tpl_value to_value(struct arena *arena, json_t *json)
{
    struct tpl_value value = tpl_none(), item;
    const char *key;
    json_t *child;
    size_t i;
    switch (json_typeof(json)) {
    case JSON_TRUE:
    case JSON_FALSE:
        return tpl_bool(json_is_true(json));
    case JSON_INTEGER:
        return tpl_int(json_integer_value(json));
    case JSON_STRING:
        return tpl_str(str_make(json_string_value(json), json_string_length(json)));
    case JSON_ARRAY:
        value = tpl_list(arena);
        json_array_foreach(json, i, child) tpl_list_add(arena, &value, to_value(arena, child));
        return value;
    case JSON_OBJECT:
        if ((child = json_object_get(json, "$safe"))) {
            item = to_value(arena, child);
            return tpl_safe(item.text);
        }
        value = tpl_dict(arena);
        json_object_foreach(json, key, child)
            tpl_dict_set(arena, &value, key, to_value(arena, child));
        return value;
    case JSON_NULL:
        return value;
    case JSON_REAL:
        break;
    }
    die("a case holds a real number");
}

/* "/" + the arguments with "/" between. */
static bool function_url(struct tpl_call *call, const struct tpl_value *args, size_t count,
                         struct tpl_value *out)
{
    const char *path = call->owner;
    for (size_t i = 0; i < count; i++) {
        struct str part;
        if (!tpl_to_text(call->arena, args[i], &part))
            return false;
        path = arena_printf(call->arena, "%s/%.*s", path, STR_ARG(part));
    }
    *out = tpl_text(path);
    return true;
}

static struct tpl_env *new_env(json_t *test)
{
    static char root[] = "", files[] = "/static";
    struct tpl_env *env = tpl_env_new();
    tpl_env_add_global(env, "url", function_url, root, 1, 8);
    tpl_env_add_global(env, "static", function_url, files, 1, 1);
    tpl_env_set_utc_offset(env, (int)json_integer_value(json_object_get(test, "offset")));
    return env;
}

static struct tpl_env *compile(json_t *test, struct buf *errors)
{
    struct tpl_env *env = new_env(test);
    const char *name;
    json_t *source;
    json_object_foreach(json_object_get(test, "templates"), name, source) tpl_env_add(
        env, name, str_make(json_string_value(source), json_string_length(source)), errors);
    tpl_env_link(env, errors);
    return env;
}

static void answer(const struct tpl_env *env, json_t *test, struct buf *errors)
{
    struct arena arena = {0};
    struct buf out = {0};
    struct tpl_value context = to_value(&arena, json_object_get(test, "context"));
    const char *name = json_string_value(json_object_get(test, "render"));
    bool good = errors->size == 0 && tpl_render(env, name, &context, &arena, &out, errors);
    json_t *line =
        json_pack("{s:b, s:s%}", "ok", good, good ? "out" : "error",
                  good ? (out.size ? out.data : "") : errors->data, good ? out.size : errors->size);
    if (!line || json_dumpf(line, stdout, JSON_COMPACT) != 0)
        die("the answer is not UTF-8");
    putchar('\n');
    json_decref(line);
    buf_free(&out);
    arena_free(&arena);
}

int main(int argc, char **argv)
{
    struct tpl_env *shared = NULL;
    struct buf errors = {0};
    char *line = NULL;
    size_t capacity = 0;
    if (argc > 1) {
        shared = new_env(NULL);
        if (!tpl_env_load(shared, argv[1], &errors))
            die("%.*s", STR_ARG(buf_str(&errors)));
    }
    for (ssize_t size; (size = getline(&line, &capacity, stdin)) > 0;) {
        json_error_t error;
        json_t *test = json_loadb(line, (size_t)size, JSON_ALLOW_NUL, &error);
        if (!test)
            die("a case is no JSON: %s", error.text);
        struct tpl_env *env = shared ? shared : compile(test, &errors);
        answer(env, test, &errors);
        if (!shared)
            tpl_env_free(env);
        json_decref(test);
        buf_reset(&errors);
    }
    free(line);
    buf_free(&errors);
    tpl_env_free(shared);
    return 0;
}
