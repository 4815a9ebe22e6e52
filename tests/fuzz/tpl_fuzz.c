/* Any bytes as templates: compiled, linked and rendered. The input is cut at bytes 0x1e into the
 * templates "a", "b" and "c", so that they can extend and include each other. */
#include "gateway/tpl/tpl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tpl_value sample(struct arena *arena)
{
    struct tpl_value context = tpl_dict(arena), list = tpl_list(arena), row = tpl_dict(arena);
    tpl_dict_set(arena, &row, "a", tpl_text("<投>"));
    tpl_list_add(arena, &list, row);
    tpl_list_add(arena, &list, tpl_int(7));
    tpl_list_add(arena, &list, tpl_none());
    tpl_dict_set(arena, &context, "l", list);
    tpl_dict_set(arena, &context, "n", tpl_int(INT64_MAX));
    tpl_dict_set(arena, &context, "s", tpl_text("1|a,2|'\"&"));
    tpl_dict_set(arena, &context, "h", tpl_safe(STR("<b>")));
    return context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"a", "b", "c"};
    struct arena arena = {0};
    struct buf out = {0}, errors = {0};
    struct tpl_env *env = tpl_env_new();
    struct str rest = str_make((const char *)data, size), source;
    tpl_env_set_limits(env, 1 << 16, 20000);
    for (size_t i = 0; i < 3 && str_cut(&rest, 0x1e, &source); i++)
        tpl_env_add(env, names[i], source, &errors);
    if (tpl_env_link(env, &errors)) {
        struct tpl_value context = sample(&arena);
        tpl_render(env, "a", &context, &arena, &out, &errors);
    }
    tpl_env_free(env);
    buf_free(&out);
    buf_free(&errors);
    arena_free(&arena);
    return 0;
}
