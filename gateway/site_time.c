#include "gateway/site_time.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Takes `size` digits from the front. */
static bool digits(struct str *s, size_t size, int *out)
{
    int value = 0;
    if (s->size < size)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (s->data[i] < '0' || s->data[i] > '9')
            return false;
        value = value * 10 + (s->data[i] - '0');
    }
    *s = str_make(s->data + size, s->size - size);
    *out = value;
    return true;
}

static bool one_of(struct str *s, const char *set)
{
    if (s->size == 0 || s->data[0] == '\0' || !strchr(set, s->data[0]))
        return false;
    *s = str_make(s->data + 1, s->size - 1);
    return true;
}

static bool read_offset(struct str *s, int64_t *out_minutes)
{
    if (one_of(s, "Zz")) {
        *out_minutes = 0;
        return true;
    }
    int sign = s->size && s->data[0] == '-' ? -1 : 1, hours, minutes;
    if (!one_of(s, "+-") || !digits(s, 2, &hours) || !one_of(s, ":") || !digits(s, 2, &minutes) ||
        hours > 23 || minutes > 59)
        return false;
    *out_minutes = sign * (hours * 60 + minutes);
    return true;
}

bool site_time_to_utc(struct str text, int64_t offset_minutes, char out[SITE_TIME_TEXT + 1])
{
    struct tm t = {0};
    if (!digits(&text, 4, &t.tm_year) || !one_of(&text, "-") || !digits(&text, 2, &t.tm_mon) ||
        !one_of(&text, "-") || !digits(&text, 2, &t.tm_mday) || !one_of(&text, "T ") ||
        !digits(&text, 2, &t.tm_hour) || !one_of(&text, ":") || !digits(&text, 2, &t.tm_min))
        return false;
    if (one_of(&text, ":") && !digits(&text, 2, &t.tm_sec))
        return false;
    if (text.size && !read_offset(&text, &offset_minutes))
        return false;
    if (text.size || t.tm_year < 1970 || t.tm_mon < 1 || t.tm_mon > 12 || t.tm_hour > 23 ||
        t.tm_min > 59 || t.tm_sec > 59)
        return false;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    struct tm same = t;
    time_t seconds = timegm(&same);
    if (same.tm_mday != t.tm_mday || same.tm_mon != t.tm_mon) /* no 31st of February */
        return false;
    seconds -= offset_minutes * 60;
    if (!gmtime_r(&seconds, &t) || t.tm_year + 1900 < 1970 || t.tm_year + 1900 > 9999)
        return false;
    return strftime(out, SITE_TIME_TEXT + 1, "%Y-%m-%d %H:%M:%S", &t) == SITE_TIME_TEXT;
}

char *site_time_offset(int64_t offset_minutes, char out[8])
{
    unsigned minutes = (unsigned)(llabs(offset_minutes) % (24 * 60));
    snprintf(out, 8, "%c%02u:%02u", offset_minutes < 0 ? '-' : '+', minutes / 60, minutes % 60);
    return out;
}
