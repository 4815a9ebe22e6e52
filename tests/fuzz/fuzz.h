/* fuzz: what every target here has in common. A target is LLVMFuzzerTestOneInput in a file of its
 * own: any bytes go in, and it aborts when a promise does not hold. */
#ifndef VOTE_FUZZ_H
#define VOTE_FUZZ_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* PROMISE: what must hold for any input. */
#define PROMISE(condition)                                                          \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                \
        }                                                                           \
    } while (0)

/* fuzz_copy: the bytes in a block of exactly their size, so that a read past them is seen. */
static inline char *fuzz_copy(struct str s)
{
    char *copy = malloc(s.size ? s.size : 1);
    if (!copy)
        abort();
    if (s.size)
        memcpy(copy, s.data, s.size);
    return copy;
}

static inline bool fuzz_is_inside(struct str whole, struct str part)
{
    return part.size == 0 ||
           (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

#endif
