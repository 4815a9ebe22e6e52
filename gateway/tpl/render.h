/* render: one page being made. render.c runs statements, eval.c computes expressions.
 *
 * Functions return false once the page has failed; the first failure is written down. */
#ifndef VOTE_TPL_RENDER_H
#define VOTE_TPL_RENDER_H

#include "gateway/tpl/env.h"

enum {
    RENDER_DEPTH = 600,      /* of nodes and templates inside one another */
    RENDER_MEMORY = 32 << 20 /* bytes of the scratch arena a page may take */
};

/* binding: a name and its value in a scope. */
struct binding {
    unsigned symbol;
    bool bound; /* false: left over from an earlier iteration */
    struct tpl_value value;
    struct binding *next;
};

/* scope: what `set` and `for` bind, for a root template, a block, an iteration or an else. */
struct scope {
    struct scope *outer;
    struct binding *bindings;
};

/* frame: a root template or a block that runs. */
struct frame {
    const struct template *root;     /* whose chain of extends decides what blocks are */
    const struct template *template; /* where the running node stands */
    struct scope *base;              /* what a block that is not scoped sees */
    const struct override *override; /* the running block, or NULL */
    size_t level;                    /* its definition among override's */
};

struct render {
    const struct tpl_env *env;
    const struct tpl_value *context;
    struct arena *arena;
    size_t arena_limit;
    struct buf *out, *out_error;
    struct tpl_holes *holes; /* NULL: none may be left */
    size_t output_left, steps_left;
    unsigned depth;
    struct frame *frame;
    struct scope *scope; /* the innermost */
    bool failed;
};

/* render_fail: the page fails at node. Returns false. */
bool render_fail(struct render *render, const struct node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* render_enter: one level deeper and one step further; false, and the page fails, if that is too
 * much. render_leave ends it when it was true. */
bool render_enter(struct render *render, const struct node *node);
void render_leave(struct render *render);

/* render_charge: the steps for so many bytes of text. */
void render_charge(struct render *render, size_t bytes);

/* render_lookup: a name in the scopes, then in the context; undefined if it is in neither. */
struct tpl_value render_lookup(const struct render *render, const struct name_ref *name);

/* render_holes: how many are left so far. */
size_t render_holes(const struct render *render);

/* render_super: write what the running block overrides. */
bool render_super(struct render *render, const struct node *node);

/* render_call: what a filter or function starts with. render_called: passes its failure on. */
struct tpl_call render_call(struct render *render, void *owner);
bool render_called(struct render *render, const struct node *node, const struct tpl_call *call,
                   bool good);

/* eval: the value of an expression. */
bool eval(struct render *render, const struct node *node, struct tpl_value *out);

#endif
