/* protocol-print: what messages.def, envelope.h and status.h say, as PROTOCOL.md on standard
 * output. */
#include "proto/channel.h"
#include "proto/envelope.h"
#include "proto/message.h"
#include "proto/status.h"

#include <stdio.h>

static void print_envelope(void)
{
    printf(
        "## The frame\n\n"
        "One ZeroMQ frame, at most %d bytes, is one message or several, one behind the other. A\n"
        "message is a header of %d bytes, all numbers big-endian, then the body, a JSON object\n"
        "(RFC 8259, UTF-8). A gateway binds a ROUTER, pools connect a DEALER to it.\n\n"
        "| offset | size | field | |\n| ---: | ---: | --- | --- |\n",
        CHANNEL_FRAME_LIMIT, ENVELOPE_SIZE);
#define ROW(offset, size, name, phrase) \
    printf("| %d | %d | %s | %s |\n", offset, size, name, phrase);
    ENVELOPE_LAYOUT(ROW)
#undef ROW
}

static void print_statuses(void)
{
    printf("\n## Statuses\n\n"
           "| number | name | error_code | error_msg |\n| ---: | --- | ---: | --- |\n");
#define ROW(name, number, code, text) printf("| %d | %s | %d | %s |\n", number, #name, code, text);
    STATUS_LIST(ROW)
#undef ROW
}

/* A cell of a table must not hold its separator. */
static void print_cell(const char *text)
{
    for (; *text; text++)
        printf(*text == '|' ? "\\|" : "%c", *text);
}

static void print_number(int64_t n)
{
    if (n == INT64_MAX)
        printf("2⁶³−1");
    else
        printf("%lld", (long long)n);
}

static void print_type(const struct field *field)
{
    static const char *const units[] = {
        [FIELD_INT] = "integer", [FIELD_TEXT] = "text", [FIELD_SECRET] = "secret text"};
    switch (field->kind) {
    case FIELD_BOOL:
        printf("boolean");
        return;
    case FIELD_ID:
        printf("%d hex digits", ID_TEXT);
        return;
    case FIELD_LIST:
        printf("list of %s", field->record()->name);
        break;
    default:
        printf("%s", units[field->kind]);
        break;
    }
    printf(", ");
    print_number(field->min);
    printf(" to ");
    print_number(field->max);
}

static void print_fields(const struct record *record)
{
    if (record->field_count == 0) {
        printf("No fields: `{}`.\n");
        return;
    }
    printf("| field | type | sample | |\n| --- | --- | --- | --- |\n");
    for (const struct field *field = record->fields; field->name; field++) {
        printf("| %s | ", field->name);
        print_type(field);
        printf("%s | `", field->optional ? "; optional" : "");
        print_cell(field->sample);
        printf("` | ");
        print_cell(field->phrase);
        printf(" |\n");
    }
}

static void print_phrase(const char *phrase)
{
    if (*phrase)
        printf("%s.\n\n", phrase);
}

static void print_message(const struct message_type *type)
{
    static const char *const lanes[] = {[LANE_READ] = "read", [LANE_WRITE] = "write"};
    printf("\n### %u %s\n\n", type->number, type->name);
    if (type->kind == MESSAGE_REQUEST)
        printf("Request, lane %s. ", lanes[type->lane]);
    else if (type->kind == MESSAGE_REPLY)
        printf("Answer when the status is OK.\n\n");
    print_phrase(type->record()->phrase);
    print_fields(type->record());
}

static void print_section(const char *title, bool control, enum service service)
{
    size_t count;
    const struct message_type *types = message_types(&count);
    printf("\n## %s\n", title);
    for (size_t i = 0; i < count; i++)
        if ((types[i].kind == MESSAGE_CONTROL) == control &&
            (control || types[i].service == service))
            print_message(&types[i]);
}

static void print_rows(void)
{
    printf("\n## Rows of lists\n");
#define RECORD(name_, ...)                          \
    printf("\n### %s\n\n", record_##name_()->name); \
    print_phrase(record_##name_()->phrase);         \
    print_fields(record_##name_());
#include "proto/messages.def"
}

int main(void)
{
    printf("# Protocol\n\n"
           "Printed by `protocol-print` from `proto/messages.def`, `proto/envelope.h` and\n"
           "`proto/status.h`; do not edit. Limits of a text are characters, of a list rows. Every\n"
           "field must be there, unless it is optional: then 0, false, an empty text, no rows are\n"
           "meant. Who reads passes over fields that are not listed here.\n\n");
    print_envelope();
    print_statuses();
    print_section("Between a pool and a gateway", true, SERVICE_GATEWAY);
    for (int service = 0; service < SERVICE_COUNT; service++) {
        char title[32];
        snprintf(title, sizeof title, "Service %s", service_name((enum service)service));
        print_section(title, false, (enum service)service);
    }
    print_rows();
    return fflush(stdout) == 0 ? 0 : 1;
}
