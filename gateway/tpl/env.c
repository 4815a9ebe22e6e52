#include "gateway/tpl/env.h"

#include "gateway/tpl/filters.h"
#include "gateway/tpl/parser.h"
#include "proto/base/die.h"

#include <stdlib.h>

struct tpl_env *tpl_env_new(void)
{
    struct tpl_env *env = calloc(1, sizeof *env);
    if (!env)
        die("out of memory");
    env->output_limit = 8 << 20;
    env->step_limit = 5000000;
    env->symbols = arena_array(&env->arena, TPL_SYMBOL_MAX, sizeof *env->symbols);
    must(env_symbol(env, STR("loop"), &env->loop_symbol));
    filters_register(env);
    return env;
}

void tpl_env_free(struct tpl_env *env)
{
    if (!env)
        return;
    arena_free(&env->arena);
    free(env);
}

void tpl_env_set_utc_offset(struct tpl_env *env, int minutes)
{
    env->utc_offset_minutes = minutes;
}

void tpl_env_set_limits(struct tpl_env *env, size_t output_bytes, size_t steps)
{
    must(output_bytes > 0 && steps > 0);
    env->output_limit = output_bytes;
    env->step_limit = steps;
}

static const struct function *find_function(const struct function_list *list, struct str name)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_equal(name, str_from(list->items[i].name)))
            return &list->items[i];
    return NULL;
}

/* The nodes of templates point into the list: it does not move once there are any. */
static void add_function(struct tpl_env *env, struct function_list *list, struct function function)
{
    must(env->template_count == 0);
    must(!find_function(list, str_from(function.name)));
    struct function *items = arena_array(&env->arena, list->count + 1, sizeof *items);
    if (list->count)
        memcpy(items, list->items, list->count * sizeof *items);
    items[list->count++] = function;
    list->items = items;
}

void tpl_env_add_global(struct tpl_env *env, const char *name, tpl_function *function, void *owner,
                        size_t min, size_t max)
{
    add_function(env, &env->globals, (struct function){name, function, owner, min, max});
}

void tpl_env_add_filter(struct tpl_env *env, const char *name, tpl_function *filter, void *owner,
                        size_t min, size_t max)
{
    add_function(env, &env->filters, (struct function){name, filter, owner, min, max});
}

const struct function *env_filter(const struct tpl_env *env, struct str name)
{
    return find_function(&env->filters, name);
}

const struct function *env_global(const struct tpl_env *env, struct str name)
{
    return find_function(&env->globals, name);
}

bool env_symbol(struct tpl_env *env, struct str name, unsigned *out)
{
    size_t i = 0;
    while (i < env->symbol_count && !str_equal(env->symbols[i], name))
        i++;
    if (i == TPL_SYMBOL_MAX)
        return false;
    if (i == env->symbol_count)
        env->symbols[env->symbol_count++] = name;
    *out = (unsigned)i;
    return true;
}

struct template *env_template(const struct tpl_env *env, struct str name)
{
    for (size_t i = 0; i < env->template_count; i++)
        if (str_equal(name, str_from(env->templates[i]->name)))
            return env->templates[i];
    return NULL;
}

size_t tpl_env_count(const struct tpl_env *env)
{
    return env->template_count;
}

const char *tpl_env_name(const struct tpl_env *env, size_t index)
{
    must(index < env->template_count);
    return env->templates[index]->name;
}

/* A copy with every end of line as \n. */
static struct str normalize(struct arena *arena, struct str source)
{
    char *text = arena_alloc(arena, source.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < source.size; i++) {
        if (source.data[i] == '\r' && i + 1 < source.size && source.data[i + 1] == '\n')
            continue;
        text[size++] = source.data[i] == '\r' ? '\n' : source.data[i];
    }
    return str_make(text, size);
}

static void keep_template(struct tpl_env *env, struct template *template)
{
    size_t count = env->template_count;
    if ((count & (count - 1)) == 0) { /* a power of two, or none: full */
        struct template **wider = arena_array(&env->arena, count ? 2 * count : 1, sizeof *wider);
        if (count)
            memcpy(wider, env->templates, count * sizeof *wider);
        env->templates = wider;
    }
    env->templates[env->template_count++] = template;
}

bool tpl_env_add(struct tpl_env *env, const char *name, struct str source, struct buf *out_errors)
{
    const char *problem = source.size > TPL_SOURCE_MAX        ? "the template is too large"
                          : env_template(env, str_from(name)) ? "this name is taken"
                          : !str_is_utf8(source)              ? "the template is not UTF-8"
                                                              : NULL;
    if (problem) {
        buf_printf(out_errors, "%s:1: %s\n", name, problem);
        return false;
    }
    struct template *template = arena_new(&env->arena, struct template);
    template->name = arena_cstr(&env->arena, str_from(name));
    env->linked = false;
    keep_template(env, template);
    if (parser_run(env, template, normalize(&env->arena, source), out_errors))
        return true;
    /* Half a tree is none; but the name is not missing where it is extended or included. */
    *template = (struct template){.name = template->name};
    env->broken = true;
    return false;
}
