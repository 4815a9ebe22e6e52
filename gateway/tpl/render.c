#include "gateway/tpl/render.h"

#include "gateway/tpl/filters.h"
#include "gateway/tpl/text.h"

#include <stdarg.h>

bool render_fail(struct render *render, const struct node *node, const char *format, ...)
{
    if (!render->failed) {
        va_list args;
        va_start(args, format);
        buf_printf(render->out_error, "%s:%u: %s\n", render->frame->template->name, node->line,
                   arena_vprintf(render->arena, format, args));
        va_end(args);
    }
    render->failed = true;
    return false;
}

bool render_enter(struct render *render, const struct node *node)
{
    if (render->depth >= RENDER_DEPTH)
        return render_fail(render, node, "templates are nested too deeply");
    if (render->steps_left == 0)
        return render_fail(render, node, "this takes too many steps");
    if (render->arena->used >= render->arena_limit)
        return render_fail(render, node, "this takes too much memory");
    render->depth++;
    render->steps_left--;
    return true;
}

void render_leave(struct render *render)
{
    render->depth--;
}

void render_charge(struct render *render, size_t bytes)
{
    size_t steps = bytes / TPL_BYTES_A_STEP;
    render->steps_left -= steps < render->steps_left ? steps : render->steps_left;
}

struct tpl_call render_call(struct render *render, void *owner)
{
    return (struct tpl_call){
        .arena = render->arena,
        .arena_limit = render->arena_limit,
        .owner = owner,
        .utc_offset_minutes = render->env->utc_offset_minutes,
    };
}

bool render_called(struct render *render, const struct node *node, const struct tpl_call *call,
                   bool good)
{
    return good || render_fail(render, node, "%s", call->problem ? call->problem : "failed");
}

struct tpl_value render_lookup(const struct render *render, const struct name_ref *name)
{
    for (const struct scope *scope = render->scope; scope; scope = scope->outer)
        for (const struct binding *binding = scope->bindings; binding; binding = binding->next)
            if (binding->symbol == name->symbol && binding->bound)
                return binding->value;
    const struct tpl_value *found = tpl_dict_get(render->context, name->text);
    return found ? *found : (struct tpl_value){0};
}

static void bind(struct render *render, struct scope *scope, unsigned symbol,
                 struct tpl_value value)
{
    struct binding *binding = scope->bindings;
    while (binding && binding->symbol != symbol)
        binding = binding->next;
    if (!binding) {
        binding = arena_new(render->arena, struct binding);
        binding->symbol = symbol;
        binding->next = scope->bindings;
        scope->bindings = binding;
    }
    binding->bound = true;
    binding->value = value;
}

static bool emit(struct render *render, const struct node *node, struct str s)
{
    if (s.size > render->output_left)
        return render_fail(render, node, "the page is too large");
    render->output_left -= s.size;
    buf_add_str(render->out, s);
    return true;
}

static bool emit_escaped(struct render *render, const struct node *node, struct str s)
{
    for (;;) {
        size_t plain = text_plain(s);
        if (!emit(render, node, str_make(s.data, plain)))
            return false;
        if (plain == s.size)
            return true;
        if (!emit(render, node, text_entity(s.data[plain])))
            return false;
        s = str_make(s.data + plain + 1, s.size - plain - 1);
    }
}

static bool run_all(struct render *render, const struct node_list *body);

static bool run_text(struct render *render, const struct node *node)
{
    return emit(render, node, node->text);
}

size_t render_holes(const struct render *render)
{
    return render->holes ? render->holes->count : 0;
}

static bool leave_hole(struct render *render, const struct node *node, size_t number)
{
    struct tpl_holes *holes = render->holes;
    if (!holes)
        return render_fail(render, node, "no holes may be left here");
    if ((holes->count & (holes->count - 1)) == 0) { /* a power of two, or none: full */
        struct tpl_hole *wider =
            arena_array(render->arena, holes->count ? 2 * holes->count : 1, sizeof *wider);
        if (holes->count)
            memcpy(wider, holes->items, holes->count * sizeof *wider);
        holes->items = wider;
    }
    holes->items[holes->count++] = (struct tpl_hole){render->out->size, number};
    return true;
}

static bool run_print(struct render *render, const struct node *node)
{
    struct tpl_value value;
    struct str text;
    if (node->operand->kind == NODE_SUPER)
        return render_super(render, node->operand);
    if (!eval(render, node->operand, &value))
        return false;
    if (value.kind == TPL_STR)
        return emit_escaped(render, node, value.text);
    if (value.kind == TPL_HOLE)
        return leave_hole(render, node, value.hole);
    if (!tpl_to_text(render->arena, value, &text))
        return render_fail(render, node, "%s cannot be printed", tpl_kind_name(value.kind));
    return emit(render, node, text);
}

static bool run_if(struct render *render, const struct node *node)
{
    const struct branch *branch = node->branches;
    for (; branch->condition; branch++) {
        struct tpl_value value;
        if (!eval(render, branch->condition, &value))
            return false;
        if (tpl_truth(value))
            break;
    }
    return run_all(render, &branch->body);
}

static bool run_set(struct render *render, const struct node *node)
{
    struct tpl_value value;
    if (!eval(render, node->source, &value))
        return false;
    bind(render, render->scope, node->targets[0].symbol, value);
    return true;
}

/* for k, v in …: every item is taken apart. */
static bool bind_targets(struct render *render, const struct node *node, struct scope *scope,
                         struct tpl_value item)
{
    if (node->targets[1].text.size == 0) {
        bind(render, scope, node->targets[0].symbol, item);
        return true;
    }
    struct tpl_list pair;
    struct tpl_call call = render_call(render, NULL);
    if (!render_called(render, node, &call, filters_sequence(&call, item, &pair)))
        return false;
    if (pair.count != 2)
        return render_fail(render, node, "an item has %zu parts, not 2", pair.count);
    bind(render, scope, node->targets[0].symbol, pair.items[0]);
    bind(render, scope, node->targets[1].symbol, pair.items[1]);
    return true;
}

static bool run_iterations(struct render *render, const struct node *node,
                           const struct tpl_list *list, struct scope *scope)
{
    struct tpl_loop *loop = arena_new(render->arena, struct tpl_loop);
    unsigned loop_symbol = render->env->loop_symbol;
    loop->count = list->count;
    for (; loop->index0 < loop->count; loop->index0++) {
        if (!render_enter(render, node)) /* an iteration is a step, be its body empty */
            return false;
        for (struct binding *binding = scope->bindings; binding; binding = binding->next)
            binding->bound = false;
        if (node->uses_loop)
            bind(render, scope, loop_symbol, (struct tpl_value){.kind = TPL_LOOP, .loop = loop});
        if (!bind_targets(render, node, scope, list->items[loop->index0]) ||
            !run_all(render, &node->body))
            return false;
        render_leave(render);
    }
    return true;
}

static bool run_for(struct render *render, const struct node *node)
{
    struct tpl_value source;
    struct tpl_list list;
    struct tpl_call call = render_call(render, NULL);
    if (!eval(render, node->source, &source))
        return false;
    if (!render_called(render, node, &call, filters_sequence(&call, source, &list)))
        return false;
    struct scope scope = {.outer = render->scope};
    render->scope = &scope;
    bool good = list.count ? run_iterations(render, node, &list, &scope)
                           : run_all(render, &node->otherwise);
    render->scope = scope.outer;
    return good;
}

/* Runs the body of a definition of a block, or of a root template, in a frame of its own. */
static bool run_frame(struct render *render, const struct node *node, struct frame frame,
                      const struct node_list *body, struct scope *scope)
{
    if (!render_enter(render, node))
        return false;
    struct frame *outer_frame = render->frame;
    struct scope *outer_scope = render->scope;
    render->frame = &frame;
    render->scope = scope;
    bool good = run_all(render, body);
    render->frame = outer_frame;
    render->scope = outer_scope;
    render_leave(render);
    return good;
}

static bool run_definition(struct render *render, const struct node *node,
                           const struct override *override, size_t level, struct scope *base)
{
    const struct definition *definition = &override->definitions[level];
    struct frame frame = {
        .root = render->frame->root,
        .template = definition->owner,
        .base = base,
        .override = override,
        .level = level,
    };
    struct scope scope = {.outer = base};
    return run_frame(render, node, frame, &definition->block->body, &scope);
}

static bool run_block(struct render *render, const struct node *node)
{
    const struct template *root = render->frame->root;
    const struct override *override = root->overrides;
    while (override->symbol != node->block->name.symbol)
        override++; /* linking put every block of the chain there */
    struct scope *base = node->block->scoped ? render->scope : render->frame->base;
    return run_definition(render, node, override, 0, base);
}

bool render_super(struct render *render, const struct node *node)
{
    const struct frame *frame = render->frame;
    return run_definition(render, node, frame->override, frame->level + 1, frame->base);
}

/* A template from its top: itself, then what it extends, all in one scope. */
static bool run_root(struct render *render, const struct node *node, const struct template *root,
                     struct scope *scope)
{
    for (const struct template *at = root; at; at = at->parent) {
        struct frame frame = {.root = root, .template = at, .base = scope};
        if (!run_frame(render, node, frame, &at->body, scope))
            return false;
    }
    return true;
}

static bool run_include(struct render *render, const struct node *node)
{
    struct scope scope = {.outer = render->scope};
    return run_root(render, node, node->included, &scope);
}

static bool run_all(struct render *render, const struct node_list *body)
{
    static bool (*const table[NODE_KINDS])(struct render *, const struct node *) = {
        [NODE_TEXT] = run_text,       [NODE_PRINT] = run_print, [NODE_IF] = run_if,
        [NODE_FOR] = run_for,         [NODE_SET] = run_set,     [NODE_BLOCK] = run_block,
        [NODE_INCLUDE] = run_include,
    };
    for (size_t i = 0; i < body->count; i++) {
        const struct node *node = body->items[i];
        if (!render_enter(render, node))
            return false;
        bool good = table[node->kind](render, node);
        render_leave(render);
        if (!good)
            return false;
    }
    return true;
}

bool tpl_render(const struct tpl_env *env, const char *name, const struct tpl_value *context,
                struct arena *scratch, struct buf *out, struct buf *out_error)
{
    return tpl_render_holes(env, name, context, scratch, out, NULL, out_error);
}

bool tpl_render_holes(const struct tpl_env *env, const char *name, const struct tpl_value *context,
                      struct arena *scratch, struct buf *out, struct tpl_holes *out_holes,
                      struct buf *out_error)
{
    const struct template *template = env_template(env, str_from(name));
    if (!template || !env->linked) {
        buf_printf(out_error, "%s:0: no such template\n", name);
        return false;
    }
    struct frame frame = {.template = template};
    struct scope scope = {0};
    struct render render = {
        .env = env,
        .context = context,
        .arena = scratch,
        .arena_limit = scratch->used + RENDER_MEMORY,
        .out = out,
        .out_error = out_error,
        .holes = out_holes,
        .output_left = env->output_limit,
        .steps_left = env->step_limit,
        .frame = &frame,
    };
    size_t start = out->size;
    const struct node top = {.line = 1};
    bool good = run_root(&render, &top, template, &scope);
    if (!good)
        out->size = start;
    return good;
}

static void fill_hole(struct str text, struct buf *out)
{
    for (;;) {
        size_t plain = text_plain(text);
        buf_add(out, text.data, plain);
        if (plain == text.size)
            return;
        buf_add_str(out, text_entity(text.data[plain]));
        text = str_make(text.data + plain + 1, text.size - plain - 1);
    }
}

void tpl_fill(struct str html, const struct tpl_holes *holes, const struct str *texts,
              struct buf *out)
{
    size_t start = 0;
    for (size_t i = 0; i < holes->count; i++) {
        const struct tpl_hole *hole = &holes->items[i];
        buf_add(out, html.data + start, hole->at - start);
        fill_hole(texts[hole->number], out);
        start = hole->at;
    }
    buf_add(out, html.data + start, html.size - start);
}
