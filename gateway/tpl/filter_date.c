/* Calendar arithmetic by hand, on 64 bits: strftime() would look at the locale and the time zone of
 * the process, and neither may change what a page says. */
#include "gateway/tpl/filters.h"

#include <stdio.h>

enum { DAY_SECONDS = 86400 };

struct date {
    int64_t year, month, day, hour, minute, second;
};

/* Days from 1970-01-01 to the first of March of the year given, in the proleptic Gregorian
 * calendar. Years that begin in March have their leap day at the end. */
static int64_t march_days(int64_t year)
{
    return year * 365 + year / 4 - year / 100 + year / 400 - 719468;
}

/* Days from the first of March to the first of the month; March is 0. */
static int64_t month_days(int64_t march_month)
{
    return (march_month * 153 + 2) / 5;
}

static int64_t date_to_seconds(const struct date *date)
{
    bool late = date->month > 2;
    int64_t days =
        march_days(date->year - !late) + month_days(date->month + (late ? -3 : 9)) + date->day - 1;
    return days * DAY_SECONDS + date->hour * 3600 + date->minute * 60 + date->second;
}

/* seconds: within the years 1 to 9999. */
static struct date date_from_seconds(int64_t seconds)
{
    int64_t days = seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0);
    int64_t rest = seconds - days * DAY_SECONDS;
    int64_t year = (days + 719468) / 366; /* a lower bound, off by a few years */
    while (march_days(year + 1) <= days)
        year++;
    int64_t day = days - march_days(year), month = 11;
    while (month_days(month) > day)
        month--;
    bool late = month < 10; /* March to December */
    return (struct date){
        .year = year + !late,
        .month = month + (late ? 3 : -9),
        .day = day - month_days(month) + 1,
        .hour = rest / 3600,
        .minute = rest / 60 % 60,
        .second = rest % 60,
    };
}

static bool read_digits(struct str s, size_t at, size_t count, int64_t *out)
{
    *out = 0;
    for (size_t i = at; i < at + count; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
        *out = *out * 10 + (s.data[i] - '0');
    }
    return true;
}

/* "YYYY-MM-DD HH:MM:SS", a time there is. */
static bool read_date(struct str s, struct date *date)
{
    static const char shape[] = "0000-00-00 00:00:00";
    if (s.size != sizeof shape - 1)
        return false;
    for (size_t i = 0; i < s.size; i++)
        if (shape[i] != '0' && s.data[i] != shape[i])
            return false;
    if (!read_digits(s, 0, 4, &date->year) || !read_digits(s, 5, 2, &date->month) ||
        !read_digits(s, 8, 2, &date->day) || !read_digits(s, 11, 2, &date->hour) ||
        !read_digits(s, 14, 2, &date->minute) || !read_digits(s, 17, 2, &date->second))
        return false;
    if (date->year < 1 || date->month < 1 || date->month > 12 || date->day < 1 || date->hour > 23 ||
        date->minute > 59 || date->second > 59)
        return false;
    /* A day the month does not have comes back as another. */
    struct date back = date_from_seconds(date_to_seconds(date));
    return back.day == date->day && back.month == date->month;
}

static bool print_date(struct tpl_call *call, const struct date *date, struct str format,
                       struct tpl_value *out)
{
    const struct {
        char letter;
        int width;
        int64_t number;
    } rows[] = {
        {'Y', 4, date->year}, {'m', 2, date->month},  {'d', 2, date->day},
        {'H', 2, date->hour}, {'M', 2, date->minute}, {'S', 2, date->second},
    };
    size_t size = 0, room = 2 * format.size + 1; /* nothing grows further: "%Y" to four digits */
    char *text = tpl_call_room(call, room);
    for (size_t i = 0; text && i < format.size; i++) {
        if (format.data[i] != '%' || (i + 1 < format.size && format.data[i + 1] == '%')) {
            i += format.data[i] == '%';
            text[size++] = format.data[i];
            continue;
        }
        size_t row = 0;
        while (row < sizeof rows / sizeof *rows &&
               (i + 1 == format.size || rows[row].letter != format.data[i + 1]))
            row++;
        if (row == sizeof rows / sizeof *rows) {
            call->problem = "date knows %Y %m %d %H %M %S and %%";
            return false;
        }
        size += (size_t)snprintf(text + size, room - size, "%0*d", rows[row].width,
                                 (int)rows[row].number);
        i++;
    }
    *out = tpl_str(str_make(text, size));
    return text != NULL;
}

bool filters_date(struct tpl_call *call, const struct tpl_value *args, size_t count,
                  struct tpl_value *out)
{
    static const struct date first = {.year = 1, .month = 1, .day = 1},
                             end = {.year = 10000, .month = 1, .day = 1};
    struct str format = STR("%Y-%m-%d %H:%M");
    if (count > 1 && !tpl_is_text(args[1])) {
        call->problem = "the format of date is a text";
        return false;
    }
    if (count > 1)
        format = args[1].text;
    struct date date;
    int64_t seconds;
    *out = args[0];
    if (args[0].kind == TPL_INT)
        seconds = args[0].number;
    else if (tpl_is_text(args[0]) && read_date(args[0].text, &date))
        seconds = date_to_seconds(&date);
    else
        return true;
    if (__builtin_add_overflow(seconds, (int64_t)call->utc_offset_minutes * 60, &seconds) ||
        seconds < date_to_seconds(&first) || seconds >= date_to_seconds(&end))
        return true;
    date = date_from_seconds(seconds);
    return print_date(call, &date, format, out);
}
