/* env: the inside of an environment, for the files of this directory. */
#ifndef VOTE_TPL_ENV_H
#define VOTE_TPL_ENV_H

#include "gateway/tpl/node.h"

enum {
    TPL_SOURCE_MAX = 256 << 10, /* bytes of one template */
    TPL_SYMBOL_MAX = 1024,      /* names of variables and blocks in all of them */
};

struct function_list {
    struct function *items;
    size_t count;
};

struct tpl_env {
    struct arena arena; /* of everything below */
    struct function_list filters, globals;
    struct str *symbols;
    size_t symbol_count;
    unsigned loop_symbol;
    struct template **templates; /* sorted by name once linked */
    size_t template_count;
    bool broken; /* a template did not compile: nothing is rendered */
    bool linked;
    size_t output_limit, step_limit;
    int utc_offset_minutes;
};

/* env_symbol: the number of a name, made at its first use. name is borrowed for the life of env.
 * False if there are too many. */
bool env_symbol(struct tpl_env *env, struct str name, unsigned *out);

/* env_filter, env_global: registered under this name, or NULL. */
const struct function *env_filter(const struct tpl_env *env, struct str name);
const struct function *env_global(const struct tpl_env *env, struct str name);

/* env_template: by name, or NULL. */
struct template *env_template(const struct tpl_env *env, struct str name);

#endif
