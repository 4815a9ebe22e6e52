#include "gateway/http/request.h"

#include "gateway/http/syntax.h"

static const char *const method_names[HTTP_METHODS] = {
    [HTTP_DELETE] = "DELETE",   [HTTP_GET] = "GET",     [HTTP_HEAD] = "HEAD",
    [HTTP_OPTIONS] = "OPTIONS", [HTTP_PATCH] = "PATCH", [HTTP_POST] = "POST",
    [HTTP_PUT] = "PUT",
};

bool http_method_find(struct str name, enum http_method *out)
{
    for (int i = 0; i < HTTP_METHODS; i++)
        if (str_equal(name, str_from(method_names[i]))) {
            *out = (enum http_method)i;
            return true;
        }
    return false;
}

struct str http_header(const struct http_request *request, const char *name)
{
    struct str wanted = str_from(name);
    for (size_t i = 0; i < request->header_count; i++)
        if (str_equal_nocase(request->headers[i].name, wanted))
            return request->headers[i].value;
    return (struct str){0};
}

size_t http_header_count(const struct http_request *request, const char *name,
                         struct str *out_value)
{
    struct str wanted = str_from(name);
    size_t count = 0;
    for (size_t i = 0; i < request->header_count; i++)
        if (str_equal_nocase(request->headers[i].name, wanted)) {
            *out_value = request->headers[i].value;
            count++;
        }
    return count;
}

bool http_header_has(const struct http_request *request, const char *name, const char *token)
{
    struct str wanted = str_from(name), element;
    for (size_t i = 0; i < request->header_count; i++) {
        struct str list = request->headers[i].value;
        if (!str_equal_nocase(request->headers[i].name, wanted))
            continue;
        while (http_list_next(&list, &element))
            if (str_equal_nocase(element, str_from(token)))
                return true;
    }
    return false;
}

struct str http_allow(struct arena *arena, unsigned methods)
{
    const char *text = "";
    for (int i = 0; i < HTTP_METHODS; i++)
        if (methods & 1u << i)
            text = arena_printf(arena, "%s%s%s", text, *text ? "," : "", method_names[i]);
    return str_from(text);
}
