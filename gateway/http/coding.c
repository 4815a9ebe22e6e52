#include "gateway/http/coding.h"

#include "gateway/http/syntax.h"

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ), in thousandths; -1: it is none. */
static int weight_of(struct str s)
{
    int weight = 0, scale = HTTP_WEIGHT_MAX;
    if (s.size == 0 || s.size > 5 || (s.data[0] != '0' && s.data[0] != '1') ||
        (s.size > 1 && s.data[1] != '.'))
        return -1;
    for (size_t i = 0; i < s.size; i++) {
        if (i == 1)
            continue;
        if (s.data[i] < '0' || s.data[i] > '9')
            return -1;
        weight += (s.data[i] - '0') * scale;
        scale /= 10;
    }
    return weight > HTTP_WEIGHT_MAX ? -1 : weight;
}

/* coding [OWS ";" OWS "q=" qvalue]; the weight, or -1. */
static int read_element(struct str element, struct str *out_coding)
{
    str_cut(&element, ';', out_coding);
    *out_coding = str_trim(*out_coding, " \t");
    element = str_trim(element, " \t");
    if (!http_all(*out_coding, HTTP_TOKEN))
        return -1;
    if (element.size == 0)
        return HTTP_WEIGHT_MAX;
    if (element.size < 2 || (element.data[0] | 0x20) != 'q' || element.data[1] != '=')
        return -1;
    return weight_of(str_make(element.data + 2, element.size - 2));
}

int http_coding_weight(const struct http_request *request, const char *coding)
{
    int named = -1, any = -1;
    for (size_t i = 0; i < request->header_count; i++) {
        struct str list = request->headers[i].value, element, name;
        if (!str_equal_nocase(request->headers[i].name, STR("accept-encoding")))
            continue;
        while (http_list_next(&list, &element)) {
            int weight = read_element(element, &name);
            if (weight >= 0 && str_equal_nocase(name, str_from(coding)))
                named = weight;
            else if (weight >= 0 && str_equal(name, STR("*")))
                any = weight;
        }
    }
    if (named >= 0)
        return named;
    if (str_equal(str_from(coding), STR("identity")))
        return any == 0 ? 0 : 1;
    return any > 0 ? any : 0;
}
