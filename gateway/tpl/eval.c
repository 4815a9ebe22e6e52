#include "gateway/tpl/filters.h"
#include "gateway/tpl/render.h"
#include "gateway/tpl/text.h"

static bool eval_const(struct render *render, const struct node *node, struct tpl_value *out)
{
    (void)render;
    *out = node->value;
    return true;
}

static bool eval_name(struct render *render, const struct node *node, struct tpl_value *out)
{
    *out = render_lookup(render, &node->name);
    return true;
}

static bool eval_attr(struct render *render, const struct node *node, struct tpl_value *out)
{
    struct tpl_value object;
    if (!eval(render, node->object, &object))
        return false;
    *out = (struct tpl_value){0};
    if (object.kind == TPL_LOOP) {
        tpl_loop_get(object.loop, node->attr, out);
    } else {
        const struct tpl_value *found = tpl_dict_get(&object, node->attr);
        if (found)
            *out = *found;
    }
    return true;
}

/* Python's index: negative ones count from the end. False if there is no such element. */
static bool find_index(int64_t index, size_t count, size_t *out)
{
    if (index < 0)
        index += (int64_t)count;
    *out = (size_t)index;
    return index >= 0 && *out < count;
}

static struct tpl_value character_at(struct tpl_value text, int64_t index)
{
    size_t at;
    struct str rest = text.text;
    if (!find_index(index, text_length(rest), &at))
        return (struct tpl_value){0};
    for (struct str c; at > 0; at--) {
        c = text_char(rest);
        rest = str_make(rest.data + c.size, rest.size - c.size);
    }
    text.text = text_char(rest);
    return text;
}

static bool eval_item(struct render *render, const struct node *node, struct tpl_value *out)
{
    struct tpl_value object, index;
    int64_t number;
    size_t at;
    if (!eval(render, node->left, &object) || !eval(render, node->right, &index))
        return false;
    *out = (struct tpl_value){0};
    if (object.kind == TPL_LOOP && tpl_is_text(index)) {
        tpl_loop_get(object.loop, index.text, out);
    } else if (object.kind == TPL_DICT && tpl_is_text(index)) {
        const struct tpl_value *found = tpl_dict_get(&object, index.text);
        if (found)
            *out = *found;
    } else if (object.kind == TPL_LIST && tpl_number(index, &number)) {
        if (find_index(number, object.list->count, &at))
            *out = object.list->items[at];
    } else if (tpl_is_text(object) && tpl_number(index, &number)) {
        *out = character_at(object, number);
    }
    return true;
}

static bool eval_list(struct render *render, const struct node *node, struct tpl_value *out)
{
    struct tpl_value list = tpl_list(render->arena), item;
    for (size_t i = 0; i < node->list.count; i++) {
        if (!eval(render, node->list.items[i], &item))
            return false;
        tpl_list_add(render->arena, &list, item);
    }
    *out = list;
    return true;
}

static bool eval_dict(struct render *render, const struct node *node, struct tpl_value *out)
{
    struct tpl_value dict = tpl_dict(render->arena), key, value;
    for (size_t i = 0; i < node->list.count; i += 2) {
        if (!eval(render, node->list.items[i], &key) ||
            !eval(render, node->list.items[i + 1], &value))
            return false;
        if (!tpl_is_text(key))
            return render_fail(render, node, "the key of a dict is a text, not %s",
                               tpl_kind_name(key.kind));
        tpl_dict_put(render->arena, &dict, key.text, value);
    }
    *out = dict;
    return true;
}

/* NODE_FILTER and NODE_CALL: both are functions of their arguments. */
static bool eval_call(struct render *render, const struct node *node, struct tpl_value *out)
{
    size_t count = node->args.count;
    struct tpl_value few[4], *args = few;
    if (count > sizeof few / sizeof *few)
        args = arena_array(render->arena, count, sizeof *args);
    for (size_t i = 0; i < count; i++)
        if (!eval(render, node->args.items[i], &args[i]))
            return false;
    struct tpl_call call = render_call(render, node->function->owner);
    *out = (struct tpl_value){0};
    return render_called(render, node, &call, node->function->run(&call, args, count, out));
}

static bool eval_super(struct render *render, const struct node *node, struct tpl_value *out)
{
    size_t start = render->out->size, holes = render_holes(render);
    if (!render_super(render, node))
        return false;
    if (render_holes(render) != holes)
        return render_fail(render, node, "a text not known yet can only be printed");
    struct tpl_call call = render_call(render, NULL);
    size_t size = render->out->size - start;
    char *html = tpl_call_room(&call, size);
    if (html && size)
        memcpy(html, render->out->data + start, size);
    render->out->size = start;
    *out = tpl_safe(str_make(html, size));
    return render_called(render, node, &call, html != NULL);
}

static bool eval_test(struct render *render, const struct node *node, struct tpl_value *out)
{
    struct tpl_value object;
    bool truth;
    if (!eval(render, node->object, &object))
        return false;
    if (!node->test(object, &truth))
        return render_fail(render, node, "this test says nothing about %s",
                           tpl_kind_name(object.kind));
    *out = tpl_bool(truth);
    return true;
}

static bool eval_truth(struct render *render, const struct node *node, bool *out)
{
    struct tpl_value value;
    if (!eval(render, node, &value))
        return false;
    *out = tpl_truth(value);
    return true;
}

static bool eval_not(struct render *render, const struct node *node, struct tpl_value *out)
{
    bool truth;
    if (!eval_truth(render, node->operand, &truth))
        return false;
    *out = tpl_bool(!truth);
    return true;
}

/* `and`, `or` give one of their operands, as in Python. */
static bool eval_and(struct render *render, const struct node *node, struct tpl_value *out)
{
    return eval(render, node->left, out) && (!tpl_truth(*out) || eval(render, node->right, out));
}

static bool eval_or(struct render *render, const struct node *node, struct tpl_value *out)
{
    return eval(render, node->left, out) && (tpl_truth(*out) || eval(render, node->right, out));
}

static bool eval_cond(struct render *render, const struct node *node, struct tpl_value *out)
{
    bool truth;
    *out = (struct tpl_value){0};
    if (!eval_truth(render, node->condition, &truth))
        return false;
    const struct node *chosen = truth ? node->yes : node->no;
    return !chosen || eval(render, chosen, out);
}

static bool eval_concat(struct render *render, const struct node *node, struct tpl_value *out)
{
    size_t count = node->list.count;
    struct tpl_value *parts = arena_array(render->arena, count, sizeof *parts);
    for (size_t i = 0; i < count; i++)
        if (!eval(render, node->list.items[i], &parts[i]))
            return false;
    struct tpl_call call = render_call(render, NULL);
    return render_called(render, node, &call, filters_concat(&call, parts, count, false, out));
}

/* Floor division and its remainder: rounded down, where C rounds towards zero. */
static bool divide(int64_t x, int64_t y, int64_t *quotient, int64_t *rest)
{
    if (y == 0 || (x == INT64_MIN && y == -1))
        return false;
    *quotient = x / y;
    *rest = x % y;
    if (*rest != 0 && (*rest < 0) != (y < 0)) {
        *rest += y;
        --*quotient;
    }
    return true;
}

static bool compute(enum node_op op, int64_t x, int64_t y, int64_t *out)
{
    int64_t other;
    switch (op) {
    case OP_ADD:
        return !__builtin_add_overflow(x, y, out);
    case OP_SUBTRACT:
        return !__builtin_sub_overflow(x, y, out);
    case OP_MULTIPLY:
        return !__builtin_mul_overflow(x, y, out);
    case OP_FLOOR_DIVIDE:
        return divide(x, y, out, &other);
    default:
        return divide(x, y, &other, out);
    }
}

static bool eval_arithmetic(struct render *render, const struct node *node, struct tpl_value *out)
{
    struct tpl_value operands[2];
    int64_t x, y, result;
    if (!eval(render, node->left, &operands[0]) || !eval(render, node->right, &operands[1]))
        return false;
    if (node->op == OP_ADD && tpl_is_text(operands[0]) && tpl_is_text(operands[1])) {
        struct tpl_call call = render_call(render, NULL);
        return render_called(render, node, &call, filters_concat(&call, operands, 2, false, out));
    }
    if (!tpl_number(operands[0], &x) || !tpl_number(operands[1], &y))
        return render_fail(render, node, "no arithmetic between %s and %s",
                           tpl_kind_name(operands[0].kind), tpl_kind_name(operands[1].kind));
    if (!compute(node->op, x, y, &result))
        return render_fail(render, node, "a number is too large, or divided by 0");
    *out = tpl_int(result);
    return true;
}

static bool eval_sign(struct render *render, const struct node *node, struct tpl_value *out)
{
    struct tpl_value value;
    int64_t number;
    if (!eval(render, node->operand, &value))
        return false;
    if (!tpl_number(value, &number))
        return render_fail(render, node, "%s has no sign", tpl_kind_name(value.kind));
    if (!compute(node->op, 0, number, &number))
        return render_fail(render, node, "a number is too large");
    *out = tpl_int(number);
    return true;
}

/* <0, 0, >0 as a stands before, with, behind b. UTF-8 sorts by bytes as by code points. */
static bool order(struct tpl_value a, struct tpl_value b, int *out)
{
    int64_t x, y;
    if (tpl_is_text(a) && tpl_is_text(b)) {
        size_t shared = a.text.size < b.text.size ? a.text.size : b.text.size;
        *out = shared ? memcmp(a.text.data, b.text.data, shared) : 0;
        if (*out == 0)
            *out = (a.text.size > b.text.size) - (a.text.size < b.text.size);
        return true;
    }
    if (!tpl_number(a, &x) || !tpl_number(b, &y))
        return false;
    *out = (x > y) - (x < y);
    return true;
}

static bool contains(struct render *render, struct tpl_value whole, struct tpl_value part,
                     bool *out)
{
    *out = false;
    if (whole.kind == TPL_UNDEFINED)
        return true;
    if (whole.kind == TPL_LIST) {
        for (size_t i = 0; i < whole.list->count && !*out; i++)
            *out = tpl_equal(whole.list->items[i], part, &render->steps_left);
        return true;
    }
    if (whole.kind == TPL_DICT) {
        *out = tpl_is_text(part) && tpl_dict_get(&whole, part.text);
        return part.kind != TPL_LIST && part.kind != TPL_DICT;
    }
    if (!tpl_is_text(whole) || !tpl_is_text(part))
        return false;
    *out = part.text.size == 0 || (whole.text.size && memmem(whole.text.data, whole.text.size,
                                                             part.text.data, part.text.size));
    return true;
}

/* One comparison; false if it has no meaning. */
static bool compare(struct render *render, enum node_op op, struct tpl_value a, struct tpl_value b,
                    bool *out)
{
    int sign = 0;
    bool good = true;
    if (a.kind == TPL_HOLE || b.kind == TPL_HOLE)
        return false;
    switch (op) {
    case OP_EQUAL:
    case OP_NOT_EQUAL:
        *out = tpl_equal(a, b, &render->steps_left) == (op == OP_EQUAL);
        return true;
    case OP_IN:
    case OP_NOT_IN:
        good = contains(render, b, a, out);
        *out = *out == (op == OP_IN);
        return good;
    default:
        good = order(a, b, &sign);
    }
    *out = op == OP_LESS         ? sign < 0
           : op == OP_LESS_EQUAL ? sign <= 0
           : op == OP_GREATER    ? sign > 0
                                 : sign >= 0;
    return good;
}

static bool eval_compare(struct render *render, const struct node *node, struct tpl_value *out)
{
    struct tpl_value left, right;
    bool holds = true;
    if (!eval(render, node->first, &left))
        return false;
    for (size_t i = 0; i < node->operands.count && holds; i++, left = right) {
        if (!eval(render, node->operands.items[i], &right))
            return false;
        if (!compare(render, node->ops[i], left, right, &holds))
            return render_fail(render, node, "%s and %s cannot be compared so",
                               tpl_kind_name(left.kind), tpl_kind_name(right.kind));
    }
    *out = tpl_bool(holds);
    return true;
}

bool eval(struct render *render, const struct node *node, struct tpl_value *out)
{
    static bool (*const table[NODE_KINDS])(struct render *, const struct node *,
                                           struct tpl_value *) = {
        [NODE_CONST] = eval_const,
        [NODE_NAME] = eval_name,
        [NODE_ATTR] = eval_attr,
        [NODE_ITEM] = eval_item,
        [NODE_LIST] = eval_list,
        [NODE_DICT] = eval_dict,
        [NODE_FILTER] = eval_call,
        [NODE_CALL] = eval_call,
        [NODE_SUPER] = eval_super,
        [NODE_TEST] = eval_test,
        [NODE_NOT] = eval_not,
        [NODE_SIGN] = eval_sign,
        [NODE_ARITHMETIC] = eval_arithmetic,
        [NODE_CONCAT] = eval_concat,
        [NODE_COMPARE] = eval_compare,
        [NODE_AND] = eval_and,
        [NODE_OR] = eval_or,
        [NODE_COND] = eval_cond,
    };
    if (!render_enter(render, node))
        return false;
    bool good = table[node->kind](render, node, out);
    if (good && tpl_is_text(*out)) /* whoever asked for it will walk through it */
        render_charge(render, out->text.size);
    render_leave(render);
    return good;
}
