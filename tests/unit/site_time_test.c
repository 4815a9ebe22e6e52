#include "gateway/site_time.h"
#include "tests/unit/test.h"

TEST("a date and time becomes UTC, in the site's zone or in its own")
{
    static const struct {
        const char *text;
        int64_t offset;
        const char *utc; /* NULL: no such moment */
    } rows[] = {
        {"2026-11-23T03:21", 480, "2026-11-22 19:21:00"},
        {"2026-11-23 03:21:33", 480, "2026-11-22 19:21:33"},
        {"2026-11-23T03:21", 0, "2026-11-23 03:21:00"},
        {"2026-11-23T23:21", -720, "2026-11-24 11:21:00"},
        {"2026-11-23T03:21Z", 480, "2026-11-23 03:21:00"},
        {"2026-11-23T03:21:33z", 480, "2026-11-23 03:21:33"},
        {"2026-11-23T03:21+02:30", 480, "2026-11-23 00:51:00"},
        {"2026-11-23T03:21:00-00:01", 480, "2026-11-23 03:22:00"},
        {"2028-02-29T12:00", 0, "2028-02-29 12:00:00"},
        {"1970-01-01T00:00", 0, "1970-01-01 00:00:00"},
        {"9999-12-31T23:59:59", 0, "9999-12-31 23:59:59"},
        {"1970-01-01T00:00", 480, NULL},
        {"9999-12-31T23:59", -480, NULL},
        {"2026-02-29T12:00", 0, NULL},
        {"2026-04-31T12:00", 0, NULL},
        {"2026-00-01T12:00", 0, NULL},
        {"2026-13-01T12:00", 0, NULL},
        {"2026-01-00T12:00", 0, NULL},
        {"2026-11-23T24:00", 0, NULL},
        {"2026-11-23T12:60", 0, NULL},
        {"2026-11-23T12:00:60", 0, NULL},
        {"1969-12-31T12:00", 0, NULL},
        {"2026-11-23", 0, NULL},
        {"2026-11-23T12", 0, NULL},
        {"2026-11-23T12:00 ", 0, NULL},
        {"2026-11-23T12:00:", 0, NULL},
        {"2026-11-23T12:00+0200", 0, NULL},
        {"2026-11-23T12:00+24:00", 0, NULL},
        {"2026-11-23T12:00+02:60", 0, NULL},
        {"2026-11-23t12:00", 0, NULL},
        {"26-11-23T12:00", 0, NULL},
        {"-026-11-23T12:00", 0, NULL},
        {"", 0, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[SITE_TIME_TEXT + 1] = "?";
        bool good = site_time_to_utc(str_from(rows[i].text), rows[i].offset, out);
        if (good != !!rows[i].utc || (good && strcmp(out, rows[i].utc) != 0))
            TEST_FAIL("\"%s\" gave %d, %s", rows[i].text, good, out);
    }
    char out[SITE_TIME_TEXT + 1];
    CHECK(!site_time_to_utc(STR("2026-11-23T12:00\0"), 0, out));
}

TEST("an offset is printed with its sign")
{
    char out[8];
    CHECK_STR(str_from(site_time_offset(480, out)), "+08:00");
    CHECK_STR(str_from(site_time_offset(0, out)), "+00:00");
    CHECK_STR(str_from(site_time_offset(-330, out)), "-05:30");
    CHECK_STR(str_from(site_time_offset(-720, out)), "-12:00");
}

TEST_MAIN
