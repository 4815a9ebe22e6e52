#include "gateway/http/date.h"

#include <stdio.h>
#include <time.h>

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* By hand: strftime would follow the locale. */
char *http_date_print(int64_t seconds, char out[HTTP_DATE_TEXT + 1])
{
    struct tm tm = {.tm_mday = 1};
    char text[96];
    time_t when = (time_t)seconds;
    gmtime_r(&when, &tm);
    snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
             months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    snprintf(out, HTTP_DATE_TEXT + 1, "%.*s", HTTP_DATE_TEXT, text);
    return out;
}

/* One form: a pattern in which each letter is a field and any other byte itself.
 * d day, b month's name, y year, h m s time of day, w one letter of the day's name; '_' is a blank
 * or a digit of the day, as asctime pads it. */
static bool match(struct str s, const char *pattern, struct tm *tm, char month[4])
{
    size_t letters = 0;
    if (s.size != strlen(pattern))
        return false;
    for (size_t i = 0; i < s.size; i++) {
        char c = s.data[i], p = pattern[i];
        int *field = p == 'd' || p == '_' ? &tm->tm_mday
                     : p == 'y'           ? &tm->tm_year
                     : p == 'h'           ? &tm->tm_hour
                     : p == 'm'           ? &tm->tm_min
                     : p == 's'           ? &tm->tm_sec
                                          : NULL;
        if (p == 'w' || (p == '_' && c == ' '))
            continue;
        if (p == 'b')
            month[letters++] = c;
        else if (field && c >= '0' && c <= '9')
            *field = *field * 10 + c - '0';
        else if (field || c != p)
            return false;
    }
    return true;
}

static bool finish(struct tm *tm, const char month[4], int64_t *out)
{
    int days_in_month[12] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (tm->tm_mon = 0; tm->tm_mon < 12; tm->tm_mon++)
        if (memcmp(months[tm->tm_mon], month, 3) == 0)
            break;
    if (tm->tm_mon == 12 || tm->tm_mday < 1 || tm->tm_mday > days_in_month[tm->tm_mon] ||
        tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60)
        return false;
    tm->tm_year -= 1900;
    *out = timegm(tm);
    return true;
}

bool http_date_parse(struct str s, int64_t *out_seconds)
{
    struct tm tm = {0};
    char month[4] = "";
    if (match(s, "www, dd bbb yyyy hh:mm:ss GMT", &tm, month))
        return finish(&tm, month, out_seconds);
    tm = (struct tm){0};
    if (match(s, "www bbb _d hh:mm:ss yyyy", &tm, month))
        return finish(&tm, month, out_seconds);
    /* RFC 850: the day in full, two digits of the year. */
    tm = (struct tm){0};
    ptrdiff_t comma = str_find(s, ',');
    if (comma < 6 || !match(str_make(s.data + comma, s.size - (size_t)comma),
                            ", dd-bbb-yy hh:mm:ss GMT", &tm, month))
        return false;
    tm.tm_year += tm.tm_year < 70 ? 2000 : 1900;
    return finish(&tm, month, out_seconds);
}

struct str http_date_at(struct http_date *date, int64_t seconds)
{
    if (date->second != seconds || !date->text[0]) {
        http_date_print(seconds, date->text);
        date->second = seconds;
    }
    return str_make(date->text, HTTP_DATE_TEXT);
}
