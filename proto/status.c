#include "proto/status.h"

#include "proto/base/die.h"

static const struct {
    const char *name;
    int code;
    const char *text;
} rows[] = {
#define STATUS_ROW(name_, number_, code_, text_) [number_] = {#name_, code_, text_},
    STATUS_LIST(STATUS_ROW)
#undef STATUS_ROW
};

bool status_is_known(unsigned number)
{
    return number < sizeof rows / sizeof *rows && rows[number].name;
}

const char *status_name(enum status status)
{
    must(status_is_known(status));
    return rows[status].name;
}

int status_code(enum status status)
{
    must(status_is_known(status));
    return rows[status].code;
}

const char *status_text(enum status status)
{
    must(status_is_known(status));
    return rows[status].text;
}
