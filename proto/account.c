#include "proto/account.h"

#include "proto/base/die.h"

const char *account_error_text(enum account_error error)
{
    static const char *const texts[] = {
        [ACCOUNT_GOOD] = "is good",
        [ACCOUNT_EMPTY] = "is empty",
        [ACCOUNT_TOO_SHORT] = "is too short",
        [ACCOUNT_TOO_LONG] = "is too long",
        [ACCOUNT_NOT_TEXT] = "holds characters that are not text",
        [ACCOUNT_BAD_SHAPE] = "does not look like one",
    };
    must(error < sizeof texts / sizeof *texts);
    return texts[error];
}

static enum account_error text_of(struct str s, size_t max)
{
    if (!str_is_utf8(s) || str_has_control(s))
        return ACCOUNT_NOT_TEXT;
    if (str_is_blank(s))
        return ACCOUNT_EMPTY;
    return str_utf8_length(s) > max ? ACCOUNT_TOO_LONG : ACCOUNT_GOOD;
}

/* U+202A to U+202E, U+2066 to U+2069: they turn around what stands behind them, too (UAX #9). */
static bool has_bidi_control(struct str s)
{
    for (size_t i = 0; i + 2 < s.size; i++) {
        const unsigned char *c = (const unsigned char *)s.data + i;
        if (c[0] == 0xe2 && ((c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) ||
                             (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9)))
            return true;
    }
    return false;
}

enum account_error account_name(struct str name)
{
    enum account_error error = text_of(name, ACCOUNT_NAME_MAX);
    return !error && has_bidi_control(name) ? ACCOUNT_NOT_TEXT : error;
}

/* No white space of any script anywhere: what looks the same is the same. */
static bool has_blank(struct str s)
{
    for (size_t i = 0; i < s.size;) {
        size_t end = i + 1;
        while (end < s.size && ((unsigned char)s.data[end] & 0xc0) == 0x80)
            end++;
        if (str_is_blank(str_make(s.data + i, end - i)))
            return true;
        i = end;
    }
    return false;
}

/* At least two labels, none empty. */
static bool is_domain(struct str domain)
{
    size_t labels = 0;
    if (str_ends(domain, STR(".")))
        return false;
    for (struct str label; str_cut(&domain, '.', &label); labels++)
        if (label.size == 0)
            return false;
    return labels >= 2;
}

enum account_error account_email(struct str email)
{
    enum account_error error = text_of(email, ACCOUNT_EMAIL_MAX);
    if (error)
        return error;
    struct str domain = email, local;
    str_cut(&domain, '@', &local);
    if (local.size == 0 || str_find(domain, '@') >= 0 || !is_domain(domain) || has_blank(email))
        return ACCOUNT_BAD_SHAPE;
    return ACCOUNT_GOOD;
}

enum account_error account_phone(struct str phone)
{
    if (phone.size == 0)
        return ACCOUNT_GOOD;
    if (phone.size != 11 || phone.data[0] != '1' || phone.data[1] < '3')
        return ACCOUNT_BAD_SHAPE;
    for (size_t i = 0; i < phone.size; i++)
        if (phone.data[i] < '0' || phone.data[i] > '9')
            return ACCOUNT_BAD_SHAPE;
    return ACCOUNT_GOOD;
}

enum account_error account_password(struct str password)
{
    if (password.size == 0)
        return ACCOUNT_EMPTY;
    if (!str_is_utf8(password))
        return ACCOUNT_NOT_TEXT;
    if (password.size < ACCOUNT_PASSWORD_MIN)
        return ACCOUNT_TOO_SHORT;
    return password.size > ACCOUNT_PASSWORD_MAX ? ACCOUNT_TOO_LONG : ACCOUNT_GOOD;
}

enum account_shape account_shape(struct str account)
{
    if (account.size > 0 && account_phone(account) == ACCOUNT_GOOD)
        return ACCOUNT_IS_PHONE;
    return account_email(account) == ACCOUNT_GOOD ? ACCOUNT_IS_EMAIL : ACCOUNT_IS_NEITHER;
}
