#include "proto/tools/call_line.h"

#include "proto/base/die.h"

#include <jansson.h>
#include <stdlib.h>

/* {"message": TEXT, "body": OBJECT}, and nothing else. */
static bool names_its_type(const json_t *line)
{
    return json_is_object(line) && json_object_size(line) == 2 &&
           json_is_string(json_object_get(line, "message")) &&
           json_is_object(json_object_get(line, "body"));
}

static bool fill_request_id(json_t *body)
{
    json_t *id = json_object_get(body, "request_id");
    char text[ID_TEXT + 1];
    if (!json_is_string(id) || strcmp(json_string_value(id), "new") != 0)
        return false;
    if (json_string_set(id, id_print(id_random(), text)) != 0)
        die("out of memory");
    return true;
}

static void add_json(struct buf *out, const json_t *json)
{
    char *text = json_dumps(json, JSON_ENCODE_ANY);
    if (!text)
        die("out of memory");
    buf_add_str(out, str_from(text));
    free(text);
}

bool call_line_read(struct str line, const struct message_type *standard,
                    const struct message_type **out_type, struct buf *out_body,
                    const char **out_error)
{
    json_t *json = json_loadb(line.data ? line.data : "", line.size,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    json_t *body = json;
    *out_type = standard;
    if (names_its_type(json)) {
        body = json_object_get(json, "body");
        *out_type =
            message_type_named(str_from(json_string_value(json_object_get(json, "message"))));
    }
    bool good = *out_type && (*out_type)->kind == MESSAGE_REQUEST;
    if (!good)
        *out_error = "names no request";
    else if (fill_request_id(body) || body != json)
        add_json(out_body, body);
    else
        buf_add_str(out_body, line);
    json_decref(json);
    return good;
}
