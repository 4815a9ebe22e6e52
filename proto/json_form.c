#include "proto/json_form.h"

#include <jansson.h>

struct form {
    struct arena *arena;
    int (*take)(void *owner, struct str name, struct str value);
    void *owner;
};

static int take_text(const struct form *form, const char *name, const json_t *json)
{
    struct str text = str_make(json_string_value(json), json_string_length(json));
    return form->take(form->owner, arena_str(form->arena, str_from(name)),
                      arena_str(form->arena, text));
}

static int take_number(const struct form *form, const char *name, const json_t *json)
{
    const char *digits = arena_printf(form->arena, "%lld", (long long)json_integer_value(json));
    return form->take(form->owner, arena_str(form->arena, str_from(name)), str_from(digits));
}

static int take_texts(const struct form *form, const char *name, const json_t *array)
{
    int status = 0;
    for (size_t i = 0; i < json_array_size(array) && status == 0; i++) {
        const json_t *json = json_array_get(array, i);
        status = json_is_string(json) ? take_text(form, name, json) : 400;
    }
    return status;
}

static int take_member(const struct form *form, const char *name, const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_STRING:
        return take_text(form, name, json);
    case JSON_INTEGER:
        return take_number(form, name, json);
    case JSON_ARRAY:
        return take_texts(form, name, json);
    case JSON_TRUE:
        return form->take(form->owner, arena_str(form->arena, str_from(name)), STR("true"));
    case JSON_FALSE:
        return 0;
    default:
        return 400;
    }
}

int json_form_read(struct arena *arena, struct str body,
                   int (*take)(void *owner, struct str name, struct str value), void *owner)
{
    const struct form form = {arena, take, owner};
    if (body.size > JSON_FORM_MAX)
        return 413;
    json_t *root = json_loadb(body.data ? body.data : "", body.size,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    int status = json_is_object(root) ? 0 : 400;
    for (void *at = json_object_iter(root); at && status == 0; at = json_object_iter_next(root, at))
        status = take_member(&form, json_object_iter_key(at), json_object_iter_value(at));
    json_decref(root);
    return status;
}
