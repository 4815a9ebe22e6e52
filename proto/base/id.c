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

/* A system call for 64 ids instead of for each. A thread's own; what was handed out is wiped. */
struct id id_random(void)
{
    enum { IDS = 64 };
    static _Thread_local struct id ids[IDS];
    static _Thread_local size_t left;
    if (left == 0) {
        random_bytes(ids, sizeof ids);
        left = IDS;
    }
    struct id id = ids[--left];
    ids[left] = (struct id){{0}};
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
