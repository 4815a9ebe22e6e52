/* Any bytes as a form: the first line of the input is its Content-Type. */
#include "gateway/http/form.h"
#include "tests/fuzz/fuzz.h"

static const struct http_form_limits limits = {.fields = 8, .name = 20, .value = 100, .part = 200};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_make((const char *)data, size), type;
    struct arena arena = {0};
    struct http_form form;
    if (!str_cut(&rest, '\n', &type))
        return 0;
    char *body = fuzz_copy(rest), *own_type = fuzz_copy(type);
    int status = http_form_parse(&arena, &limits, str_make(own_type, type.size),
                                 str_make(body, rest.size), &form);
    PROMISE(status == 0 || status == 400 || status == 413 || status == 415);
    PROMISE(form.count <= limits.fields);
    for (size_t i = 0; i < form.count; i++) {
        const struct http_field *field = &form.fields[i];
        PROMISE(field->name.size <= limits.name && field->value.size <= limits.value);
        PROMISE(!field->valid || str_is_utf8(field->name));
        PROMISE(!field->valid || field->filename.data || str_is_utf8(field->value));
    }
    free(body);
    free(own_type);
    arena_free(&arena);
    return 0;
}
