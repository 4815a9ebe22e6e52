/* Linking: names of templates become pointers, and blocks find what they override. */
#include "gateway/tpl/env.h"

#include <stdlib.h>

static bool complain(struct buf *errors, const struct template *template, unsigned line,
                     const char *what, struct str name)
{
    buf_printf(errors, "%s:%u: %s '%.*s'\n", template->name, line, what, STR_ARG(name));
    return false;
}

static bool link_extends(struct tpl_env *env, struct template *template, struct buf *errors)
{
    template->parent = NULL;
    if (template->extends_line == 0)
        return true;
    template->parent = env_template(env, template->extends);
    return template->parent || complain(errors, template, template->extends_line,
                                        "extends a template there is not:", template->extends);
}

static bool link_includes(struct tpl_env *env, struct template *template, struct buf *errors)
{
    bool good = true;
    for (struct node *node = template->includes; node; node = node->next_include) {
        node->included = env_template(env, node->target);
        if (!node->included)
            good = complain(errors, template, node->line,
                            "includes a template there is not:", node->target);
    }
    return good;
}

static bool check_cycle(const struct tpl_env *env, const struct template *template,
                        struct buf *errors)
{
    const struct template *at = template;
    for (size_t i = 0; at && i < env->template_count; i++)
        at = at->parent;
    return !at || complain(errors, template, template->extends_line,
                           "extends run in a circle from here by", template->extends);
}

/* The override of a block along the chain above template, made if it is new. */
static struct override *find_override(struct template *template, const struct block *block)
{
    struct override *override = template->overrides;
    while (override->count && override->symbol != block->name.symbol)
        override++;
    if (override->count == 0)
        template->override_count++;
    override->symbol = block->name.symbol;
    return override;
}

static void link_blocks(struct tpl_env *env, struct template *template)
{
    size_t blocks = 0, templates = 0;
    for (const struct template *at = template; at; at = at->parent, templates++)
        for (const struct block *block = at->blocks; block; block = block->next)
            blocks++;
    template->override_count = 0;
    template->overrides = arena_array(&env->arena, blocks + 1, sizeof *template->overrides);
    for (const struct template *at = template; at; at = at->parent)
        for (const struct block *block = at->blocks; block; block = block->next) {
            struct override *override = find_override(template, block);
            if (override->count == 0)
                override->definitions =
                    arena_array(&env->arena, templates, sizeof *override->definitions);
            override->definitions[override->count++] = (struct definition){block, at};
        }
}

/* What stands above a template is the same for all that extend it: each answers for itself. */
static bool check_super(const struct template *template, struct buf *errors)
{
    bool good = true;
    for (const struct override *override = template->overrides; override->count; override++) {
        const struct definition *nearest = override->definitions;
        if (nearest->owner == template && nearest->block->super_line && override->count == 1)
            good = complain(errors, template, nearest->block->super_line,
                            "super() has nothing above it in block", nearest->block->name.text);
    }
    return good;
}

static int compare_names(const void *a, const void *b)
{
    const struct template *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

bool tpl_env_link(struct tpl_env *env, struct buf *out_errors)
{
    bool good = true;
    if (env->template_count)
        qsort(env->templates, env->template_count, sizeof *env->templates, compare_names);
    for (size_t i = 0; i < env->template_count; i++) {
        good &= link_extends(env, env->templates[i], out_errors);
        good &= link_includes(env, env->templates[i], out_errors);
    }
    bool circles = false;
    for (size_t i = 0; i < env->template_count; i++)
        circles |= !check_cycle(env, env->templates[i], out_errors);
    for (size_t i = 0; i < env->template_count && !circles; i++) {
        link_blocks(env, env->templates[i]);
        /* Of what is missing above, super() would only complain again. */
        if (good && !env->broken)
            good &= check_super(env->templates[i], out_errors);
    }
    env->linked = good && !circles && !env->broken;
    return env->linked;
}
