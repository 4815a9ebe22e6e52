#include "gateway/http/target.h"

#include "gateway/http/syntax.h"

bool http_path_is_plain(struct str path)
{
    if (str_has_control(path) || !str_is_utf8(path))
        return false;
    struct str rest = path, segment;
    if (rest.size && rest.data[0] == '/')
        rest = str_make(rest.data + 1, rest.size - 1);
    while (str_cut(&rest, '/', &segment))
        if (segment.size == 0 || str_equal(segment, STR(".")) || str_equal(segment, STR("..")))
            return false;
    return true;
}

static bool has_escaped_slash(struct str raw)
{
    for (size_t i = 0; i + 2 < raw.size; i++)
        if (raw.data[i] == '%' && raw.data[i + 1] == '2' && (raw.data[i + 2] | 0x20) == 'f')
            return true;
    return false;
}

bool http_path_decode(struct arena *arena, struct str raw, struct str *out)
{
    char *path = arena_alloc(arena, raw.size + 1);
    size_t size;
    if (!http_percent_decode(raw, false, path, &size))
        return false;
    *out = str_make(path, size);
    if (has_escaped_slash(raw) || !http_path_is_plain(*out))
        *out = (struct str){0};
    return true;
}

/* What follows "http://" or "https://", or false. */
static bool skip_scheme(struct str target, struct str *out_rest)
{
    static const struct str schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t size = schemes[i].size;
        if (target.size > size && str_equal_nocase(str_make(target.data, size), schemes[i])) {
            *out_rest = str_make(target.data + size, target.size - size);
            return true;
        }
    }
    return false;
}

bool http_target_parse(struct arena *arena, struct str target, enum http_method method,
                       struct http_target *out)
{
    struct str rest = target, raw_path;
    *out = (struct http_target){0};
    if (!http_all(target, HTTP_TARGET))
        return false;
    if (str_equal(target, STR("*"))) {
        out->path = target;
        return method == HTTP_OPTIONS;
    }
    if (skip_scheme(target, &rest)) {
        size_t size = 0;
        while (size < rest.size && rest.data[size] != '/' && rest.data[size] != '?')
            size++;
        out->authority = str_make(rest.data, size);
        rest = str_make(rest.data + size, rest.size - size);
        if (!http_is_authority(out->authority))
            return false;
    } else if (target.data[0] != '/') {
        return false;
    }
    if (!str_cut(&rest, '?', &raw_path))
        raw_path = STR("");
    out->query = rest;
    if (raw_path.size == 0)
        raw_path = STR("/");
    return http_path_decode(arena, raw_path, &out->path);
}
