#include "gateway/tpl/value.h"

#include "proto/base/die.h"

#include <inttypes.h>

enum { FIRST_CAPACITY = 8, EQUAL_DEPTH = 32 };

struct tpl_value tpl_list(struct arena *arena)
{
    return (struct tpl_value){.kind = TPL_LIST, .list = arena_new(arena, struct tpl_list)};
}

struct tpl_value tpl_dict(struct arena *arena)
{
    return (struct tpl_value){.kind = TPL_DICT, .dict = arena_new(arena, struct tpl_dict)};
}

/* The array with room for one element more: itself, or a copy twice as large. */
static void *grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : FIRST_CAPACITY;
    void *wider = arena_array(arena, *capacity, size);
    if (count)
        memcpy(wider, items, count * size);
    return wider;
}

void tpl_list_add(struct arena *arena, struct tpl_value *value, struct tpl_value item)
{
    must(value->kind == TPL_LIST);
    struct tpl_list *list = value->list;
    list->items = grow(arena, list->items, list->count, &list->capacity, sizeof *list->items);
    list->items[list->count++] = item;
}

static struct tpl_pair *find_pair(const struct tpl_dict *dict, struct str key)
{
    for (size_t i = 0; i < dict->count; i++)
        if (str_equal(dict->pairs[i].key, key))
            return &dict->pairs[i];
    return NULL;
}

void tpl_dict_put(struct arena *arena, struct tpl_value *value, struct str key,
                  struct tpl_value item)
{
    must(value->kind == TPL_DICT);
    struct tpl_dict *dict = value->dict;
    struct tpl_pair *pair = find_pair(dict, key);
    if (!pair) {
        dict->pairs = grow(arena, dict->pairs, dict->count, &dict->capacity, sizeof *dict->pairs);
        pair = &dict->pairs[dict->count++];
        pair->key = key;
    }
    pair->value = item;
}

void tpl_dict_set(struct arena *arena, struct tpl_value *dict, const char *key,
                  struct tpl_value value)
{
    tpl_dict_put(arena, dict, str_from(key), value);
}

const struct tpl_value *tpl_dict_get(const struct tpl_value *value, struct str key)
{
    struct tpl_pair *pair = value->kind == TPL_DICT ? find_pair(value->dict, key) : NULL;
    return pair ? &pair->value : NULL;
}

bool tpl_truth(struct tpl_value value)
{
    switch (value.kind) {
    case TPL_BOOL:
        return value.truth;
    case TPL_INT:
        return value.number != 0;
    case TPL_STR:
    case TPL_SAFE:
        return value.text.size > 0;
    case TPL_LIST:
        return value.list->count > 0;
    case TPL_DICT:
        return value.dict->count > 0;
    case TPL_LOOP:
    case TPL_HOLE:
        return true;
    case TPL_UNDEFINED:
    case TPL_NONE:
        break;
    }
    return false;
}

bool tpl_number(struct tpl_value value, int64_t *out)
{
    if (value.kind == TPL_INT)
        *out = value.number;
    else if (value.kind == TPL_BOOL)
        *out = value.truth;
    else
        return false;
    return true;
}

bool tpl_to_text(struct arena *arena, struct tpl_value value, struct str *out)
{
    switch (value.kind) {
    case TPL_UNDEFINED:
        *out = STR("");
        return true;
    case TPL_NONE:
        *out = STR("None");
        return true;
    case TPL_BOOL:
        *out = value.truth ? STR("True") : STR("False");
        return true;
    case TPL_INT:
        *out = str_from(arena_printf(arena, "%" PRId64, value.number));
        return true;
    case TPL_STR:
    case TPL_SAFE:
        *out = value.text;
        return true;
    case TPL_LIST:
    case TPL_DICT:
    case TPL_LOOP:
    case TPL_HOLE:
        break;
    }
    return false;
}

static bool equal(struct tpl_value a, struct tpl_value b, size_t *budget, int depth);

static bool equal_lists(const struct tpl_list *a, const struct tpl_list *b, size_t *budget,
                        int depth)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!equal(a->items[i], b->items[i], budget, depth + 1))
            return false;
    return true;
}

static bool equal_dicts(const struct tpl_dict *a, const struct tpl_dict *b, size_t *budget,
                        int depth)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct tpl_pair *twin = find_pair(b, a->pairs[i].key);
        if (!twin || !equal(a->pairs[i].value, twin->value, budget, depth + 1))
            return false;
    }
    return true;
}

static bool equal(struct tpl_value a, struct tpl_value b, size_t *budget, int depth)
{
    int64_t x, y;
    if (*budget == 0 || depth > EQUAL_DEPTH)
        return false;
    --*budget;
    if (tpl_number(a, &x) && tpl_number(b, &y))
        return x == y;
    if (tpl_is_text(a) && tpl_is_text(b)) {
        size_t cost = a.text.size / TPL_BYTES_A_STEP;
        *budget -= cost < *budget ? cost : *budget;
        return str_equal(a.text, b.text);
    }
    if (a.kind != b.kind)
        return false;
    if (a.kind == TPL_LIST)
        return equal_lists(a.list, b.list, budget, depth);
    if (a.kind == TPL_DICT)
        return equal_dicts(a.dict, b.dict, budget, depth);
    return a.kind != TPL_HOLE && (a.kind != TPL_LOOP || a.loop == b.loop);
}

bool tpl_equal(struct tpl_value a, struct tpl_value b, size_t *budget)
{
    return equal(a, b, budget, 0);
}

bool tpl_loop_get(const struct tpl_loop *loop, struct str name, struct tpl_value *out)
{
    int64_t index0 = (int64_t)loop->index0, count = (int64_t)loop->count;
    const struct {
        struct str name;
        struct tpl_value value;
    } rows[] = {
        {STR("index"), tpl_int(index0 + 1)},
        {STR("index0"), tpl_int(index0)},
        {STR("revindex"), tpl_int(count - index0)},
        {STR("revindex0"), tpl_int(count - index0 - 1)},
        {STR("first"), tpl_bool(index0 == 0)},
        {STR("last"), tpl_bool(index0 + 1 == count)},
        {STR("length"), tpl_int(count)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_equal(rows[i].name, name)) {
            *out = rows[i].value;
            return true;
        }
    return false;
}

const char *tpl_kind_name(enum tpl_kind kind)
{
    static const char *const names[] = {
        [TPL_UNDEFINED] = "an undefined value",
        [TPL_NONE] = "none",
        [TPL_BOOL] = "a truth value",
        [TPL_INT] = "a number",
        [TPL_STR] = "a text",
        [TPL_SAFE] = "a safe text",
        [TPL_LIST] = "a list",
        [TPL_DICT] = "a dict",
        [TPL_LOOP] = "the loop",
        [TPL_HOLE] = "a text not known yet",
    };
    return names[kind];
}
