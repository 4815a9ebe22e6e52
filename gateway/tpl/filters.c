#include "gateway/tpl/filters.h"

#include "gateway/tpl/text.h"

char *tpl_call_room(struct tpl_call *call, size_t size)
{
    if (call->arena->used >= call->arena_limit || size > call->arena_limit - call->arena->used) {
        call->problem = "this takes too much memory";
        return NULL;
    }
    return arena_alloc(call->arena, size);
}

static bool fail(struct tpl_call *call, const char *problem)
{
    call->problem = problem;
    return false;
}

static bool to_text(struct tpl_call *call, struct tpl_value value, struct str *out)
{
    if (tpl_to_text(call->arena, value, out))
        return true;
    call->problem = arena_printf(call->arena, "%s has no text", tpl_kind_name(value.kind));
    return false;
}

/* text as a value, safe if `like` is. */
static struct tpl_value text_like(struct tpl_value like, struct str text)
{
    return like.kind == TPL_SAFE ? tpl_safe(text) : tpl_str(text);
}

bool filters_sequence(struct tpl_call *call, struct tpl_value value, struct tpl_list *out)
{
    *out = (struct tpl_list){0};
    if (value.kind == TPL_UNDEFINED)
        return true;
    if (value.kind == TPL_LIST) {
        *out = *value.list;
        return true;
    }
    size_t most = value.kind == TPL_DICT ? value.dict->count
                  : tpl_is_text(value)   ? text_length(value.text)
                                         : SIZE_MAX;
    if (most == SIZE_MAX) {
        call->problem =
            arena_printf(call->arena, "%s cannot be walked over", tpl_kind_name(value.kind));
        return false;
    }
    out->items = (struct tpl_value *)tpl_call_room(call, most * sizeof *out->items);
    if (!out->items)
        return false;
    if (value.kind == TPL_DICT)
        for (; out->count < most; out->count++)
            out->items[out->count] = tpl_str(value.dict->pairs[out->count].key);
    for (struct str rest = value.text; out->count < most; out->count++) {
        struct str c = text_char(rest);
        out->items[out->count] = tpl_str(c);
        rest = str_make(rest.data + c.size, rest.size - c.size);
    }
    return true;
}

bool filters_concat(struct tpl_call *call, const struct tpl_value *parts, size_t count, bool safe,
                    struct tpl_value *out)
{
    struct str *texts = (struct str *)tpl_call_room(call, count * sizeof *texts);
    if (!texts)
        return false;
    for (size_t i = 0; i < count; i++)
        safe |= parts[i].kind == TPL_SAFE;
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (!to_text(call, parts[i], &texts[i]))
            return false;
        if (safe && parts[i].kind == TPL_STR) {
            if (!tpl_call_room(call, 0) ||
                text_escaped_size(texts[i]) > call->arena_limit - call->arena->used)
                return fail(call, "this takes too much memory");
            texts[i] = text_escape(call->arena, texts[i]);
        }
        size += texts[i].size;
    }
    char *text = tpl_call_room(call, size);
    if (!text)
        return false;
    size_t at = 0;
    for (size_t i = 0; i < count; at += texts[i++].size)
        if (texts[i].size)
            memcpy(text + at, texts[i].data, texts[i].size);
    *out = safe ? tpl_safe(str_make(text, size)) : tpl_str(str_make(text, size));
    return true;
}

static bool filter_escape(struct tpl_call *call, const struct tpl_value *args, size_t count,
                          struct tpl_value *out)
{
    (void)count;
    return filters_concat(call, args, 1, true, out);
}

static bool filter_safe(struct tpl_call *call, const struct tpl_value *args, size_t count,
                        struct tpl_value *out)
{
    (void)count;
    struct str text;
    if (!to_text(call, args[0], &text))
        return false;
    *out = tpl_safe(text);
    return true;
}

static bool filter_default(struct tpl_call *call, const struct tpl_value *args, size_t count,
                           struct tpl_value *out)
{
    (void)call;
    bool boolean = count > 2 && tpl_truth(args[2]);
    bool missing = args[0].kind == TPL_UNDEFINED || (boolean && !tpl_truth(args[0]));
    *out = !missing ? args[0] : count > 1 ? args[1] : tpl_str(STR(""));
    return true;
}

static bool filter_length(struct tpl_call *call, const struct tpl_value *args, size_t count,
                          struct tpl_value *out)
{
    (void)count;
    size_t length = 0;
    if (tpl_is_text(args[0]))
        length = text_length(args[0].text);
    else if (args[0].kind == TPL_LIST)
        length = args[0].list->count;
    else if (args[0].kind == TPL_DICT)
        length = args[0].dict->count;
    else if (args[0].kind != TPL_UNDEFINED)
        return fail(call, "only a text, a list or a dict has a length");
    *out = tpl_int((int64_t)length);
    return true;
}

/* The input's text with each byte from `first` to `last` moved by `shift`. */
static bool change_case(struct tpl_call *call, struct tpl_value input, char first, char last,
                        int shift, struct tpl_value *out)
{
    struct str text;
    if (!to_text(call, input, &text))
        return false;
    char *copy = tpl_call_room(call, text.size);
    if (!copy)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        copy[i] = c >= first && c <= last ? (char)(c + shift) : c;
    }
    *out = text_like(input, str_make(copy, text.size));
    return true;
}

static bool filter_upper(struct tpl_call *call, const struct tpl_value *args, size_t count,
                         struct tpl_value *out)
{
    (void)count;
    return change_case(call, args[0], 'a', 'z', 'A' - 'a', out);
}

static bool filter_lower(struct tpl_call *call, const struct tpl_value *args, size_t count,
                         struct tpl_value *out)
{
    (void)count;
    return change_case(call, args[0], 'A', 'Z', 'a' - 'A', out);
}

static bool filter_trim(struct tpl_call *call, const struct tpl_value *args, size_t count,
                        struct tpl_value *out)
{
    (void)count;
    struct str text;
    if (!to_text(call, args[0], &text))
        return false;
    *out = text_like(args[0], text_trim_right(text_trim_left(text)));
    return true;
}

static bool filter_first(struct tpl_call *call, const struct tpl_value *args, size_t count,
                         struct tpl_value *out)
{
    (void)count;
    struct tpl_list list;
    if (!filters_sequence(call, args[0], &list))
        return false;
    *out = list.count ? list.items[0] : (struct tpl_value){0};
    return true;
}

static bool filter_last(struct tpl_call *call, const struct tpl_value *args, size_t count,
                        struct tpl_value *out)
{
    (void)count;
    struct tpl_list list;
    if (!filters_sequence(call, args[0], &list))
        return false;
    *out = list.count ? list.items[list.count - 1] : (struct tpl_value){0};
    if (list.count && args[0].kind == TPL_SAFE)
        *out = tpl_safe(out->text); /* reversed() indexes a Markup, and that stays one */
    return true;
}

static bool filter_join(struct tpl_call *call, const struct tpl_value *args, size_t count,
                        struct tpl_value *out)
{
    struct tpl_list list;
    struct tpl_value separator = count > 1 ? args[1] : tpl_str(STR(""));
    if (!filters_sequence(call, args[0], &list))
        return false;
    size_t most = list.count ? 2 * list.count - 1 : 0;
    struct tpl_value *parts = (struct tpl_value *)tpl_call_room(call, most * sizeof *parts);
    if (!parts)
        return false;
    for (size_t i = 0; i < most; i++)
        parts[i] = i % 2 ? separator : list.items[i / 2];
    return filters_concat(call, parts, most, separator.kind == TPL_SAFE, out);
}

/* How often `old` stands in text, none overlapping; an empty one before, between and behind. */
static size_t count_matches(struct str text, struct str old)
{
    if (old.size == 0)
        return text_length(text) + 1;
    size_t count = 0;
    for (const char *at; (at = memmem(text.data, text.size, old.data, old.size)); count++) {
        size_t skip = (size_t)(at - text.data) + old.size;
        text = str_make(text.data + skip, text.size - skip);
    }
    return count;
}

static void append(char *text, size_t *size, struct str s)
{
    if (s.size)
        memcpy(text + *size, s.data, s.size);
    *size += s.size;
}

static bool replace(struct tpl_call *call, struct str text, struct str old, struct str new,
                    struct str *out)
{
    size_t matches = count_matches(text, old), total;
    if (__builtin_mul_overflow(matches, new.size, &total) || total > SIZE_MAX / 4)
        return fail(call, "this takes too much memory");
    char *to = tpl_call_room(call, text.size + total - matches * old.size);
    if (!to)
        return false;
    size_t size = 0;
    for (; matches > 0; matches--) {
        size_t kept = 0;
        if (old.size)
            kept = (size_t)((char *)memmem(text.data, text.size, old.data, old.size) - text.data);
        append(to, &size, str_make(text.data, kept));
        append(to, &size, new);
        /* An empty match stands before a character, the last one behind them all. */
        size_t skip = kept + old.size;
        if (old.size == 0) {
            struct str c = text_char(text);
            append(to, &size, c);
            skip = c.size;
        }
        text = str_make(text.data + skip, text.size - skip);
    }
    append(to, &size, text);
    *out = str_make(to, size);
    return true;
}

/* The text is taken as HTML when it, or what replaces, is safe; then everything in play is. */
static bool filter_replace(struct tpl_call *call, const struct tpl_value *args, size_t count,
                           struct tpl_value *out)
{
    (void)count;
    struct str texts[3];
    bool safe = false;
    for (size_t i = 0; i < 3; i++)
        safe |= args[i].kind == TPL_SAFE;
    for (size_t i = 0; i < 3; i++) {
        struct tpl_value part;
        if (!filters_concat(call, &args[i], 1, safe, &part))
            return false;
        texts[i] = part.text;
    }
    struct str text;
    if (!replace(call, texts[0], texts[1], texts[2], &text))
        return false;
    *out = safe ? tpl_safe(text) : tpl_str(text);
    return true;
}

static bool filter_items(struct tpl_call *call, const struct tpl_value *args, size_t count,
                         struct tpl_value *out)
{
    (void)count;
    *out = tpl_list(call->arena);
    if (args[0].kind == TPL_UNDEFINED)
        return true;
    if (args[0].kind != TPL_DICT)
        return fail(call, "only a dict has items");
    for (size_t i = 0; i < args[0].dict->count; i++) {
        struct tpl_value pair = tpl_list(call->arena);
        tpl_list_add(call->arena, &pair, tpl_str(args[0].dict->pairs[i].key));
        tpl_list_add(call->arena, &pair, args[0].dict->pairs[i].value);
        tpl_list_add(call->arena, out, pair);
        if (!tpl_call_room(call, 0))
            return false;
    }
    return true;
}

/* The slices of text between the separators, one at least, safe if `like` is. */
static struct tpl_value split(struct arena *arena, struct str text, char separator,
                              struct tpl_value like)
{
    struct tpl_value parts = tpl_list(arena);
    for (ptrdiff_t at; (at = str_find(text, separator)) >= 0;) {
        tpl_list_add(arena, &parts, text_like(like, str_make(text.data, (size_t)at)));
        text = str_make(text.data + at + 1, text.size - (size_t)at - 1);
    }
    tpl_list_add(arena, &parts, text_like(like, text));
    return parts;
}

static bool filter_choice_split(struct tpl_call *call, const struct tpl_value *args, size_t count,
                                struct tpl_value *out)
{
    (void)count;
    if (!tpl_is_text(args[0]) && tpl_truth(args[0]))
        return fail(call, "only a text can be split into choices");
    struct str text = tpl_is_text(args[0]) ? args[0].text : STR("");
    *out = split(call->arena, text, ',', args[0]);
    for (size_t i = 0; i < out->list->count; i++) {
        struct tpl_value *choice = &out->list->items[i];
        *choice = split(call->arena, choice->text, '|', args[0]);
        if (!tpl_call_room(call, 0))
            return false;
    }
    return true;
}

static bool function_range(struct tpl_call *call, const struct tpl_value *args, size_t count,
                           struct tpl_value *out)
{
    int64_t bounds[2] = {0}, length;
    for (size_t i = 0; i < count; i++)
        if (!tpl_number(args[i], &bounds[i]))
            return fail(call, "range() counts from number to number");
    int64_t start = count > 1 ? bounds[0] : 0, stop = count > 1 ? bounds[1] : bounds[0];
    if (stop < start)
        stop = start;
    if (__builtin_sub_overflow(stop, start, &length) || length > 100000)
        return fail(call, "range() gives 100000 numbers at most");
    *out = tpl_list(call->arena);
    struct tpl_list *list = out->list;
    list->count = list->capacity = (size_t)length;
    list->items = (struct tpl_value *)tpl_call_room(call, list->count * sizeof *list->items);
    for (size_t i = 0; list->items && i < list->count; i++)
        list->items[i] = tpl_int(start + (int64_t)i);
    return list->items != NULL;
}

static bool test_undefined(struct tpl_value value, bool *out)
{
    *out = value.kind == TPL_UNDEFINED;
    return true;
}

static bool test_defined(struct tpl_value value, bool *out)
{
    *out = value.kind != TPL_UNDEFINED;
    return true;
}

static bool test_none(struct tpl_value value, bool *out)
{
    *out = value.kind == TPL_NONE;
    return true;
}

static bool test_string(struct tpl_value value, bool *out)
{
    *out = tpl_is_text(value);
    return true;
}

static bool test_odd(struct tpl_value value, bool *out)
{
    int64_t number;
    if (!tpl_number(value, &number))
        return false;
    *out = number % 2 != 0;
    return true;
}

static bool test_even(struct tpl_value value, bool *out)
{
    if (!test_odd(value, out))
        return false;
    *out = !*out;
    return true;
}

tpl_test *filters_test(struct str name)
{
    static const struct {
        const char *name;
        tpl_test *test;
    } rows[] = {
        {"defined", test_defined}, {"undefined", test_undefined},
        {"none", test_none},       {"string", test_string},
        {"odd", test_odd},         {"even", test_even},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_equal(name, str_from(rows[i].name)))
            return rows[i].test;
    return NULL;
}

void filters_register(struct tpl_env *env)
{
    static const struct {
        const char *name;
        tpl_function *run;
        size_t min, max;
    } rows[] = {
        {"e", filter_escape, 0, 0},
        {"escape", filter_escape, 0, 0},
        {"safe", filter_safe, 0, 0},
        {"default", filter_default, 0, 2},
        {"d", filter_default, 0, 2},
        {"length", filter_length, 0, 0},
        {"count", filter_length, 0, 0},
        {"upper", filter_upper, 0, 0},
        {"lower", filter_lower, 0, 0},
        {"trim", filter_trim, 0, 0},
        {"first", filter_first, 0, 0},
        {"last", filter_last, 0, 0},
        {"join", filter_join, 0, 1},
        {"replace", filter_replace, 2, 2},
        {"items", filter_items, 0, 0},
        {"date", filters_date, 0, 1},
        {"choice_split", filter_choice_split, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        tpl_env_add_filter(env, rows[i].name, rows[i].run, NULL, rows[i].min, rows[i].max);
    tpl_env_add_global(env, "range", function_range, NULL, 1, 2);
}
