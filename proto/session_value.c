#include "proto/session_value.h"

#include <jansson.h>

static bool whole_number(const json_t *object, const char *key, int64_t min, int64_t *out)
{
    const json_t *json = json_object_get(object, key); /* NULL for what is no object, too */
    if (!json_is_integer(json) || json_integer_value(json) < min)
        return false;
    *out = json_integer_value(json);
    return true;
}

bool session_value_parse(struct str json, struct session_value *out)
{
    json_t *root = json_loadb(json.data ? json.data : "", json.size, JSON_ALLOW_NUL, NULL);
    struct session_value value;
    bool good = whole_number(root, "created", 0, &value.created) &&
                whole_number(json_object_get(root, "session"), "uid", 1, &value.user_id);
    if (good)
        *out = value;
    json_decref(root);
    return good;
}

void session_value_print(const struct session_value *value, struct buf *out)
{
    buf_add_str(out, STR("{\"created\": "));
    buf_add_int(out, value->created);
    buf_add_str(out, STR(", \"session\": {\"uid\": "));
    buf_add_int(out, value->user_id);
    buf_add_str(out, STR("}}"));
}
