#include "gateway/tpl/parser.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 3, 0))) static struct node *
fail_at(struct parser *parser, unsigned line, const char *format, va_list args)
{
    if (!parser->failed) {
        struct arena scratch = {0};
        buf_printf(parser->errors, "%s:%u: ", parser->template->name, line);
        buf_add_str(parser->errors, str_from(arena_vprintf(&scratch, format, args)));
        buf_add_char(parser->errors, '\n');
        arena_free(&scratch);
    }
    parser->failed = true;
    parser->token.kind = TOKEN_END;
    return &parser->nothing;
}

struct node *parser_fail_at(struct parser *parser, unsigned line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct node *nothing = fail_at(parser, line, format, args);
    va_end(args);
    return nothing;
}

struct node *parser_fail(struct parser *parser, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct node *nothing = fail_at(parser, parser->token.line, format, args);
    va_end(args);
    return nothing;
}

void parser_next(struct parser *parser)
{
    if (parser->failed)
        return;
    parser->token = lexer_next(&parser->lexer);
    if (parser->token.kind == TOKEN_ERROR)
        parser_fail(parser, "%.*s", STR_ARG(parser->token.text));
}

static bool at(const struct parser *parser, enum token_kind kind, const char *text)
{
    return parser->token.kind == kind && str_equal(parser->token.text, str_from(text));
}

bool parser_at_name(const struct parser *parser, const char *word)
{
    return at(parser, TOKEN_NAME, word);
}

bool parser_at_operator(const struct parser *parser, const char *operator)
{
    return at(parser, TOKEN_OPERATOR, operator);
}

bool parser_skip_name(struct parser *parser, const char *word)
{
    bool here = parser_at_name(parser, word);
    if (here)
        parser_next(parser);
    return here;
}

bool parser_skip_operator(struct parser *parser, const char *operator)
{
    bool here = parser_at_operator(parser, operator);
    if (here)
        parser_next(parser);
    return here;
}

/* The current token as a person would name it. */
static struct str describe(const struct parser *parser)
{
    static const char *const names[] = {
        [TOKEN_END] = "the end of the template",
        [TOKEN_DATA] = "text",
        [TOKEN_PRINT_BEGIN] = "{{",
        [TOKEN_PRINT_END] = "}}",
        [TOKEN_TAG_BEGIN] = "{%",
        [TOKEN_TAG_END] = "%}",
    };
    enum token_kind kind = parser->token.kind;
    return kind <= TOKEN_TAG_END ? str_from(names[kind]) : parser->token.text;
}

void parser_expect_operator(struct parser *parser, const char *operator)
{
    if (!parser_skip_operator(parser, operator))
        parser_fail(parser, "expected '%s' before '%.*s'", operator, STR_ARG(describe(parser)));
}

static void expect_tag_end(struct parser *parser)
{
    if (parser->token.kind == TOKEN_TAG_END)
        parser_next(parser);
    else
        parser_fail(parser, "expected '%%}' before '%.*s'", STR_ARG(describe(parser)));
}

struct str parser_name(struct parser *parser, const char *what)
{
    struct str name = parser->token.text;
    if (parser->token.kind == TOKEN_NAME)
        parser_next(parser);
    else
        parser_fail(parser, "expected %s before '%.*s'", what, STR_ARG(describe(parser)));
    return parser->failed ? STR("") : name;
}

struct name_ref parser_symbol(struct parser *parser, struct str name)
{
    struct name_ref ref = {.text = name};
    if (!env_symbol(parser->env, name, &ref.symbol))
        parser_fail(parser, "there are more than %d names", TPL_SYMBOL_MAX);
    return ref;
}

struct name_ref parser_target(struct parser *parser)
{
    static const char *const reserved[] = {"true", "false", "none", "True", "False",
                                           "None", "and",   "or",   "not",  "in",
                                           "is",   "if",    "else", "loop", "super"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (parser_at_name(parser, reserved[i]))
            parser_fail(parser, "'%s' cannot be assigned to", reserved[i]);
    return parser_symbol(parser, parser_name(parser, "a name"));
}

struct node *parser_node(struct parser *parser, enum node_kind kind)
{
    struct node *node = arena_new(&parser->env->arena, struct node);
    node->kind = kind;
    node->line = parser->token.line;
    return node;
}

struct node *parser_child(struct parser *parser, struct node *node, struct node *child)
{
    if (child->depth >= node->depth)
        node->depth = child->depth + 1;
    if (node->depth > PARSER_DEPTH) {
        node->depth = 0;
        return parser_fail_at(parser, node->line, "nested too deeply");
    }
    return child;
}

void parser_push(struct parser *parser, struct node_list *list, struct node *item)
{
    size_t count = list->count;
    if ((count & (count - 1)) == 0) { /* a power of two, or none: full */
        struct node **items =
            arena_array(&parser->env->arena, count ? 2 * count : 1, sizeof *items);
        if (count)
            memcpy(items, list->items, count * sizeof *items);
        list->items = items;
    }
    list->items[list->count++] = item;
}

bool parser_enter(struct parser *parser)
{
    if (++parser->nesting <= PARSER_NESTING)
        return true;
    parser_fail(parser, "nested too deeply");
    return false;
}

void parser_leave(struct parser *parser)
{
    parser->nesting--;
}

/* Statements. Each function below begins behind the tag's name and ends before its "%}"; it returns
 * the node to run in this place, or NULL. */

static bool at_one_of(const struct parser *parser, const char *const *ends)
{
    for (; *ends; ends++)
        if (parser_at_name(parser, *ends))
            return true;
    return false;
}

static struct node *parse_tag(struct parser *parser, const char *const *ends);

/* Jinja2 drops the output of a template that extends, but for its blocks. */
static bool is_dropped(const struct parser *parser)
{
    return parser->extended && !parser->block;
}

/* {{ expression }}, or NULL. */
static struct node *parse_print(struct parser *parser)
{
    struct node *node = parser_node(parser, NODE_PRINT);
    parser_next(parser);
    node->operand = parser_child(parser, node, expression_parse(parser));
    if (parser->token.kind == TOKEN_PRINT_END)
        parser_next(parser);
    else
        parser_fail(parser, "expected '}}' before '%.*s'", STR_ARG(describe(parser)));
    return is_dropped(parser) ? NULL : node;
}

static struct node *parse_text(struct parser *parser)
{
    struct node *node = parser_node(parser, NODE_TEXT);
    node->text = parser->token.text;
    parser_next(parser);
    return is_dropped(parser) ? NULL : node;
}

/* Everything up to a tag named in `ends` (a NULL ends the list), whose name is then the current
 * token; below `owner`, if there is one. Without ends: up to the end of the template. */
static struct node_list parse_body(struct parser *parser, struct node *owner,
                                   const char *const *ends)
{
    struct node_list body = {0};
    if (!parser_enter(parser)) {
        parser_leave(parser);
        return body;
    }
    while (parser->token.kind != TOKEN_END) {
        struct node *node = NULL;
        if (parser->token.kind == TOKEN_DATA) {
            node = parse_text(parser);
        } else if (parser->token.kind == TOKEN_PRINT_BEGIN) {
            node = parse_print(parser);
        } else {
            parser_next(parser);
            if (at_one_of(parser, ends))
                break;
            node = parse_tag(parser, ends);
            expect_tag_end(parser);
        }
        if (node)
            parser_push(parser, &body, owner ? parser_child(parser, owner, node) : node);
    }
    if (*ends && parser->token.kind == TOKEN_END)
        parser_fail_at(parser, owner ? owner->line : 1, "this tag is never closed by '%s'",
                       ends[0]);
    parser_leave(parser);
    return body;
}

static struct node *parse_if(struct parser *parser)
{
    static const char *const ends[] = {"endif", "elif", "else", NULL}, *const last[] = {"endif",
                                                                                        NULL};
    struct node *node = parser_node(parser, NODE_IF);
    struct arena *arena = &parser->env->arena;
    size_t count = 0, capacity = 2;
    struct branch *branches = arena_array(arena, capacity, sizeof *branches);
    do {
        if (count + 1 == capacity) {
            struct branch *wider = arena_array(arena, capacity *= 2, sizeof *wider);
            memcpy(wider, branches, count * sizeof *wider);
            branches = wider;
        }
        branches[count].condition = parser_child(parser, node, expression_parse_plain(parser));
        expect_tag_end(parser);
        branches[count++].body = parse_body(parser, node, ends);
    } while (parser_skip_name(parser, "elif"));
    if (parser_skip_name(parser, "else")) {
        expect_tag_end(parser);
        branches[count].body = parse_body(parser, node, last);
    }
    parser_skip_name(parser, "endif");
    node->branches = branches;
    return node;
}

static struct node *parse_for(struct parser *parser)
{
    static const char *const ends[] = {"endfor", "else", NULL}, *const last[] = {"endfor", NULL};
    struct node *node = parser_node(parser, NODE_FOR);
    node->targets[0] = parser_target(parser);
    if (parser_skip_operator(parser, ","))
        node->targets[1] = parser_target(parser);
    if (!parser_skip_name(parser, "in"))
        parser_fail(parser, "expected 'in' before '%.*s'", STR_ARG(describe(parser)));
    node->source = parser_child(parser, node, expression_parse_plain(parser));
    expect_tag_end(parser);

    struct enclosing_for here = {.outer = parser->loops};
    parser->loops = &here;
    parser->for_depth++;
    node->body = parse_body(parser, node, ends);
    parser->loops = here.outer;
    node->uses_loop = here.uses_loop;
    if (parser_skip_name(parser, "else")) {
        expect_tag_end(parser);
        node->otherwise = parse_body(parser, node, last);
    }
    parser->for_depth--;
    parser_skip_name(parser, "endfor");
    return node;
}

static struct node *parse_set(struct parser *parser)
{
    struct node *node = parser_node(parser, NODE_SET);
    node->targets[0] = parser_target(parser);
    parser_expect_operator(parser, "=");
    node->source = parser_child(parser, node, expression_parse(parser));
    return node;
}

static struct block *new_block(struct parser *parser)
{
    struct block *block = arena_new(&parser->env->arena, struct block);
    block->line = parser->token.line;
    block->name = parser_symbol(parser, parser_name(parser, "a block name"));
    for (struct block *other = parser->template->blocks; other; other = other->next)
        if (other->name.symbol == block->name.symbol)
            parser_fail_at(parser, block->line, "block '%.*s' stands here twice",
                           STR_ARG(block->name.text));
    block->next = parser->template->blocks;
    parser->template->blocks = block;
    block->scoped = parser_skip_name(parser, "scoped");
    return block;
}

static struct node *parse_block(struct parser *parser)
{
    static const char *const ends[] = {"endblock", NULL};
    bool defined_only = is_dropped(parser) && parser->for_depth == 0;
    struct node *node = parser_node(parser, NODE_BLOCK);
    struct block *block = node->block = new_block(parser), *outer = parser->block;
    struct enclosing_for *loops = parser->loops;
    for (struct enclosing_for *loop = loops; loop && block->scoped; loop = loop->outer)
        loop->uses_loop = true;
    expect_tag_end(parser);
    parser->block = block;
    parser->loops = NULL;
    block->body = parse_body(parser, node, ends);
    parser->block = outer;
    parser->loops = loops;
    parser_skip_name(parser, "endblock");
    if (parser->token.kind == TOKEN_NAME && str_equal(parser->token.text, block->name.text))
        parser_next(parser);
    return defined_only ? NULL : node;
}

static struct str parse_target_name(struct parser *parser, const char *tag)
{
    if (parser->token.kind == TOKEN_STRING)
        return parser_string(parser);
    parser_fail(parser, "%s takes the name of a template in quotes", tag);
    return STR("");
}

static struct node *parse_extends(struct parser *parser)
{
    struct template *template = parser->template;
    if (parser->nesting > 1)
        parser_fail(parser, "extends stands inside of another tag");
    if (parser->extended)
        parser_fail(parser, "extends stands here twice");
    template->extends_line = parser->token.line;
    template->extends = parse_target_name(parser, "extends");
    parser->extended = true;
    return NULL;
}

static struct node *parse_include(struct parser *parser)
{
    struct node *node = parser_node(parser, NODE_INCLUDE);
    node->target = parse_target_name(parser, "include");
    node->next_include = parser->template->includes;
    parser->template->includes = node;
    return node;
}

static struct node *parse_tag(struct parser *parser, const char *const *ends)
{
    static const struct {
        const char *name;
        struct node *(*parse)(struct parser *parser);
    } tags[] = {
        {"if", parse_if},       {"for", parse_for},         {"set", parse_set},
        {"block", parse_block}, {"extends", parse_extends}, {"include", parse_include},
    };
    if (parser->token.kind != TOKEN_NAME)
        return parser_fail(parser, "expected a tag before '%.*s'", STR_ARG(describe(parser)));
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (parser_skip_name(parser, tags[i].name))
            return tags[i].parse(parser);
    if (*ends)
        return parser_fail(parser, "unknown tag '%.*s' (what is open here is closed by '%s')",
                           STR_ARG(parser->token.text), ends[0]);
    return parser_fail(parser, "unknown tag '%.*s'", STR_ARG(parser->token.text));
}

bool parser_run(struct tpl_env *env, struct template *template, struct str source,
                struct buf *errors)
{
    static const char *const no_ends[] = {NULL};
    struct parser parser = {
        .env = env, .template = template, .lexer = lexer_start(source), .errors = errors};
    parser.nothing.kind = NODE_CONST;
    parser_next(&parser);
    template->body = parse_body(&parser, NULL, no_ends);
    return !parser.failed;
}
