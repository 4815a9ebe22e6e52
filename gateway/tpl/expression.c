#include "gateway/tpl/filters.h"
#include "gateway/tpl/parser.h"

enum { DICT_ENTRIES = 200 }; /* each is looked for one by one */

/* How tightly operators bind, as in jinja2/parser.py: note that ~ binds tighter than + there. */
enum {
    BIND_OR = 1,
    BIND_AND,
    BIND_NOT,
    BIND_COMPARE,
    BIND_ADD,
    BIND_CONCAT,
    BIND_MULTIPLY,
};

struct binary {
    const char *text;
    enum token_kind token;
    int binding;
    enum node_kind kind;
    enum node_op op;
};

static const struct binary binaries[] = {
    {"or", TOKEN_NAME, BIND_OR, NODE_OR, 0},
    {"and", TOKEN_NAME, BIND_AND, NODE_AND, 0},
    {"==", TOKEN_OPERATOR, BIND_COMPARE, NODE_COMPARE, OP_EQUAL},
    {"!=", TOKEN_OPERATOR, BIND_COMPARE, NODE_COMPARE, OP_NOT_EQUAL},
    {"<", TOKEN_OPERATOR, BIND_COMPARE, NODE_COMPARE, OP_LESS},
    {"<=", TOKEN_OPERATOR, BIND_COMPARE, NODE_COMPARE, OP_LESS_EQUAL},
    {">", TOKEN_OPERATOR, BIND_COMPARE, NODE_COMPARE, OP_GREATER},
    {">=", TOKEN_OPERATOR, BIND_COMPARE, NODE_COMPARE, OP_GREATER_EQUAL},
    {"in", TOKEN_NAME, BIND_COMPARE, NODE_COMPARE, OP_IN},
    {"not", TOKEN_NAME, BIND_COMPARE, NODE_COMPARE, OP_NOT_IN}, /* with "in" behind it */
    {"+", TOKEN_OPERATOR, BIND_ADD, NODE_ARITHMETIC, OP_ADD},
    {"-", TOKEN_OPERATOR, BIND_ADD, NODE_ARITHMETIC, OP_SUBTRACT},
    {"~", TOKEN_OPERATOR, BIND_CONCAT, NODE_CONCAT, 0},
    {"*", TOKEN_OPERATOR, BIND_MULTIPLY, NODE_ARITHMETIC, OP_MULTIPLY},
    {"//", TOKEN_OPERATOR, BIND_MULTIPLY, NODE_ARITHMETIC, OP_FLOOR_DIVIDE},
    {"%", TOKEN_OPERATOR, BIND_MULTIPLY, NODE_ARITHMETIC, OP_MODULO},
};

static struct node *parse_unary(struct parser *parser, bool with_filters);
static struct node *parse_binary(struct parser *parser, int binding);

static struct node *constant(struct parser *parser, struct tpl_value value)
{
    struct node *node = parser_node(parser, NODE_CONST);
    node->value = value;
    return node;
}

static struct node *parse_int(struct parser *parser)
{
    int64_t number;
    if (!str_to_int64(parser->token.text, &number))
        return parser_fail(parser, "a number is too large");
    struct node *node = constant(parser, tpl_int(number));
    parser_next(parser);
    return node;
}

static struct node *parse_name(struct parser *parser)
{
    static const struct {
        const char *name;
        struct tpl_value value;
    } constants[] = {
        {"true", {.kind = TPL_BOOL, .truth = true}},
        {"True", {.kind = TPL_BOOL, .truth = true}},
        {"false", {.kind = TPL_BOOL, .truth = false}},
        {"False", {.kind = TPL_BOOL, .truth = false}},
        {"none", {.kind = TPL_NONE}},
        {"None", {.kind = TPL_NONE}},
    };
    static const char *const words[] = {"and", "or", "not", "in", "is", "if", "else"};
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        if (parser_at_name(parser, constants[i].name)) {
            parser_next(parser);
            return constant(parser, constants[i].value);
        }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (parser_at_name(parser, words[i]))
            return parser_fail(parser, "expected a value before '%s'", words[i]);
    if (parser_at_name(parser, "loop"))
        for (struct enclosing_for *loop = parser->loops; loop; loop = loop->outer)
            loop->uses_loop = true;
    struct node *node = parser_node(parser, NODE_NAME);
    node->name = parser_symbol(parser, parser_name(parser, "a name"));
    return node;
}

/* Elements up to `closer`, a comma at the end allowed. */
static void parse_elements(struct parser *parser, struct node *node, struct node_list *list,
                           const char *closer)
{
    while (parser->token.kind != TOKEN_END && !parser_at_operator(parser, closer)) {
        parser_push(parser, list, parser_child(parser, node, expression_parse(parser)));
        if (!parser_at_operator(parser, closer))
            parser_expect_operator(parser, ",");
    }
    parser_expect_operator(parser, closer);
}

static struct node *parse_dict(struct parser *parser)
{
    struct node *node = parser_node(parser, NODE_DICT);
    while (parser->token.kind != TOKEN_END && !parser_at_operator(parser, "}")) {
        parser_push(parser, &node->list, parser_child(parser, node, expression_parse(parser)));
        parser_expect_operator(parser, ":");
        parser_push(parser, &node->list, parser_child(parser, node, expression_parse(parser)));
        if (!parser_at_operator(parser, "}"))
            parser_expect_operator(parser, ",");
    }
    parser_expect_operator(parser, "}");
    if (node->list.count > 2 * DICT_ENTRIES)
        return parser_fail(parser, "a dict has more than %d entries", DICT_ENTRIES);
    return node;
}

/* (a) is a; (a, b) and () are lists here, tuples in Jinja2. */
static struct node *parse_parentheses(struct parser *parser)
{
    struct node *list = parser_node(parser, NODE_LIST);
    if (!parser_at_operator(parser, ")")) {
        struct node *first = expression_parse(parser);
        if (parser_skip_operator(parser, ")"))
            return first;
        parser_push(parser, &list->list, parser_child(parser, list, first));
        parser_expect_operator(parser, ",");
    }
    parse_elements(parser, list, &list->list, ")");
    return list;
}

static struct node *parse_primary(struct parser *parser)
{
    struct node *node;
    switch (parser->token.kind) {
    case TOKEN_NAME:
        return parse_name(parser);
    case TOKEN_INT:
        return parse_int(parser);
    case TOKEN_STRING:
        node = constant(parser, tpl_str(STR("")));
        node->value.text = parser_string(parser);
        return node;
    default:
        break;
    }
    if (parser_skip_operator(parser, "("))
        return parse_parentheses(parser);
    if (parser_skip_operator(parser, "{"))
        return parse_dict(parser);
    if (parser_skip_operator(parser, "[")) {
        node = parser_node(parser, NODE_LIST);
        parse_elements(parser, node, &node->list, "]");
        return node;
    }
    return parser_fail(
        parser, "expected a value%s%.*s%s", parser->token.kind == TOKEN_OPERATOR ? " before '" : "",
        STR_ARG(parser->token.text), parser->token.kind == TOKEN_OPERATOR ? "'" : "");
}

static void check_arguments(struct parser *parser, const struct function *function, size_t count,
                            unsigned line)
{
    if (count < function->min || count > function->max)
        parser_fail_at(parser, line, "%s takes %zu to %zu arguments, not %zu", function->name,
                       function->min, function->max, count);
}

/* callee(: the current token is behind the parenthesis. */
static struct node *parse_call(struct parser *parser, struct node *callee)
{
    if (callee->kind != NODE_NAME)
        return parser_fail(parser, "only the functions of the site can be called");
    if (str_equal(callee->name.text, STR("super"))) {
        parser_expect_operator(parser, ")");
        if (!parser->block)
            return parser_fail(parser, "super() stands outside of a block");
        parser->block->super_line = callee->line;
        return parser_node(parser, NODE_SUPER);
    }
    struct node *node = parser_node(parser, NODE_CALL);
    node->line = callee->line;
    node->function = env_global(parser->env, callee->name.text);
    if (!node->function)
        return parser_fail_at(parser, callee->line, "unknown function '%.*s'",
                              STR_ARG(callee->name.text));
    parse_elements(parser, node, &node->args, ")");
    check_arguments(parser, node->function, node->args.count, callee->line);
    return node;
}

/* Jinja2 would find a method of dict here, and never the key. */
static bool is_method(struct str name)
{
    static const char *const methods[] = {"clear",      "copy",   "fromkeys", "get",
                                          "items",      "keys",   "pop",      "popitem",
                                          "setdefault", "update", "values"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (str_equal(name, str_from(methods[i])))
            return true;
    return str_starts(name, STR("__"));
}

static struct node *parse_attr(struct parser *parser, struct node *object)
{
    struct tpl_value ignored;
    struct node *node = parser_node(parser, NODE_ATTR);
    struct str name = parser_name(parser, "a name or a number");
    if (str_equal(name, STR("items")) && parser_skip_operator(parser, "(")) {
        parser_expect_operator(parser, ")");
        node->kind = NODE_FILTER;
        node->function = env_filter(parser->env, name);
        parser_push(parser, &node->args, parser_child(parser, node, object));
        return node;
    }
    if (is_method(name))
        return parser_fail(parser, "'%.*s' is a method in Jinja2: write [\"%.*s\"]", STR_ARG(name),
                           STR_ARG(name));
    if (object->kind == NODE_NAME && parser->loops && str_equal(object->name.text, STR("loop")) &&
        !tpl_loop_get(&(struct tpl_loop){0}, name, &ignored))
        return parser_fail(parser, "loop has no '%.*s' here", STR_ARG(name));
    node->object = parser_child(parser, node, object);
    node->attr = name;
    return node;
}

static struct node *parse_item(struct parser *parser, struct node *object, struct node *index)
{
    struct node *node = parser_node(parser, NODE_ITEM);
    node->left = parser_child(parser, node, object);
    node->right = parser_child(parser, node, index);
    return node;
}

static struct node *parse_postfix(struct parser *parser, struct node *node)
{
    for (;;) {
        if (parser_skip_operator(parser, ".")) {
            if (parser->token.kind == TOKEN_INT)
                node = parse_item(parser, node, parse_int(parser));
            else
                node = parse_attr(parser, node);
        } else if (parser_skip_operator(parser, "[")) {
            node = parse_item(parser, node, expression_parse(parser));
            parser_expect_operator(parser, "]");
        } else if (parser_skip_operator(parser, "(")) {
            node = parse_call(parser, node);
        } else {
            return node;
        }
    }
}

static struct node *parse_filter(struct parser *parser, struct node *input)
{
    struct node *node = parser_node(parser, NODE_FILTER);
    struct str name = parser_name(parser, "the name of a filter");
    node->function = env_filter(parser->env, name);
    if (!node->function)
        return parser_fail_at(parser, node->line, "unknown filter '%.*s'", STR_ARG(name));
    parser_push(parser, &node->args, parser_child(parser, node, input));
    if (parser_skip_operator(parser, "("))
        parse_elements(parser, node, &node->args, ")");
    check_arguments(parser, node->function, node->args.count - 1, node->line);
    return node;
}

static struct node *parse_test(struct parser *parser, struct node *object)
{
    bool negated = parser_skip_name(parser, "not");
    struct node *node = parser_node(parser, NODE_TEST);
    struct str name = parser_name(parser, "the name of a test");
    node->object = parser_child(parser, node, object);
    node->test = filters_test(name);
    if (!node->test)
        return parser_fail_at(parser, node->line, "unknown test '%.*s'", STR_ARG(name));
    /* Jinja2 takes what follows for an argument of the test. */
    if (parser->token.kind == TOKEN_NAME && !parser_at_name(parser, "and") &&
        !parser_at_name(parser, "or") && !parser_at_name(parser, "else"))
        return parser_fail(parser, "a test takes no argument: put it in parentheses");
    if (!negated)
        return node;
    struct node *opposite = parser_node(parser, NODE_NOT);
    opposite->operand = parser_child(parser, opposite, node);
    return opposite;
}

static struct node *parse_sign(struct parser *parser)
{
    struct node *node = parser_node(parser, NODE_SIGN);
    node->op = parser_at_operator(parser, "-") ? OP_SUBTRACT : OP_ADD;
    parser_next(parser);
    node->operand = parser_child(parser, node, parse_unary(parser, false));
    return node;
}

static struct node *parse_unary(struct parser *parser, bool with_filters)
{
    struct node *node = &parser->nothing;
    if (parser_enter(parser)) {
        if (parser_at_operator(parser, "-") || parser_at_operator(parser, "+"))
            node = parse_sign(parser);
        else
            node = parse_primary(parser);
        node = parse_postfix(parser, node);
    }
    parser_leave(parser);
    for (;;) {
        if (with_filters && parser_skip_operator(parser, "|"))
            node = parse_filter(parser, node);
        else if (with_filters && parser_skip_name(parser, "is"))
            node = parse_test(parser, node);
        else
            return node;
    }
}

/* Is the current "not" the beginning of "not in"? */
static bool before_in(const struct parser *parser)
{
    struct lexer ahead = parser->lexer;
    struct token token = lexer_next(&ahead);
    return token.kind == TOKEN_NAME && str_equal(token.text, STR("in"));
}

/* The operator the current token is, if it binds at least so tightly. It is then skipped. */
static const struct binary *skip_binary(struct parser *parser, int binding)
{
    for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++) {
        const struct binary *binary = &binaries[i];
        if (binary->token != parser->token.kind || binary->binding < binding ||
            !str_equal(parser->token.text, str_from(binary->text)))
            continue;
        if (binary->op == OP_NOT_IN) {
            if (!before_in(parser))
                return NULL;
            parser_next(parser);
        }
        parser_next(parser);
        return binary;
    }
    return NULL;
}

/* first op operand op operand …: true if every neighbouring pair is, as in Python. */
static struct node *parse_chain(struct parser *parser, struct node *first,
                                const struct binary *binary)
{
    struct node *node = parser_node(parser, NODE_COMPARE);
    node->first = parser_child(parser, node, first);
    size_t capacity = 1;
    node->ops = arena_array(&parser->env->arena, capacity, sizeof *node->ops);
    do {
        size_t count = node->operands.count;
        if (count == capacity) {
            enum node_op *wider = arena_array(&parser->env->arena, capacity *= 2, sizeof *wider);
            memcpy(wider, node->ops, count * sizeof *wider);
            node->ops = wider;
        }
        node->ops[count] = binary->op;
        parser_push(parser, &node->operands,
                    parser_child(parser, node, parse_binary(parser, BIND_ADD)));
    } while ((binary = skip_binary(parser, BIND_COMPARE)) != NULL);
    return node;
}

static struct node *parse_concat(struct parser *parser, struct node *first)
{
    struct node *node = parser_node(parser, NODE_CONCAT);
    parser_push(parser, &node->list, parser_child(parser, node, first));
    do
        parser_push(parser, &node->list,
                    parser_child(parser, node, parse_binary(parser, BIND_MULTIPLY)));
    while (parser_skip_operator(parser, "~"));
    return node;
}

static struct node *parse_not(struct parser *parser)
{
    struct node *node = parser_node(parser, NODE_NOT);
    parser_next(parser);
    node->operand = parser_child(parser, node, parse_binary(parser, BIND_NOT));
    return node;
}

static struct node *parse_operators(struct parser *parser, int binding)
{
    bool negated = binding <= BIND_NOT && parser_at_name(parser, "not");
    struct node *left = negated ? parse_not(parser) : parse_unary(parser, true);
    const struct binary *binary;
    while ((binary = skip_binary(parser, binding)) != NULL) {
        if (binary->kind == NODE_COMPARE) {
            left = parse_chain(parser, left, binary);
        } else if (binary->kind == NODE_CONCAT) {
            left = parse_concat(parser, left);
        } else {
            struct node *node = parser_node(parser, binary->kind);
            node->op = binary->op;
            node->left = parser_child(parser, node, left);
            node->right = parser_child(parser, node, parse_binary(parser, binary->binding + 1));
            left = node;
        }
    }
    return left;
}

/* Operands joined by operators that bind at least so tightly (precedence climbing). */
static struct node *parse_binary(struct parser *parser, int binding)
{
    struct node *node = &parser->nothing;
    if (parser_enter(parser))
        node = parse_operators(parser, binding);
    parser_leave(parser);
    return node;
}

struct node *expression_parse_plain(struct parser *parser)
{
    return parse_binary(parser, BIND_OR);
}

static struct node *parse_choice(struct parser *parser)
{
    struct node *node = parse_binary(parser, BIND_OR);
    while (parser_skip_name(parser, "if")) {
        struct node *choice = parser_node(parser, NODE_COND);
        choice->yes = parser_child(parser, choice, node);
        choice->condition = parser_child(parser, choice, parse_binary(parser, BIND_OR));
        if (parser_skip_name(parser, "else"))
            choice->no = parser_child(parser, choice, expression_parse(parser));
        node = choice;
    }
    return node;
}

struct node *expression_parse(struct parser *parser)
{
    struct node *node = &parser->nothing;
    if (parser_enter(parser))
        node = parse_choice(parser);
    parser_leave(parser);
    return node;
}
