#include "proto/base/id.h"

#include "proto/base/die.h"

#include <errno.h>
#include <sys/random.h>

void random_bytes(void *out, size_t size)
{
    char *at = out;
    while (size > 0) {
        ssize_t n = getrandom(at, size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            die("getrandom: %s", strerror(errno));
        at += n;
        size -= (size_t)n;
    }
}

struct id id_random(void)
{
    struct id id;
    random_bytes(id.bytes, sizeof id.bytes);
    return id;
}

bool id_equal(struct id a, struct id b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

bool id_is_none(struct id id)
{
    return id_equal(id, (struct id){{0}});
}

char *id_print(struct id id, char out[ID_TEXT + 1])
{
    hex_encode(id.bytes, sizeof id.bytes, out);
    return out;
}

bool id_parse(struct str s, struct id *out)
{
    return hex_decode(s, out->bytes, sizeof out->bytes);
}
