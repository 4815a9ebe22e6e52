#include "proto/base/die.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(EXIT_FAILURE);
}

void die_bug(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s: bug at %s:%d: %s does not hold\n", program_invocation_short_name, file,
            line, condition);
    abort();
}

void *zeroed(size_t size)
{
    void *memory = malloc(size);
    if (!memory)
        die("out of memory");
    __asm__("" : "+r"(memory)); /* or the compiler makes a calloc of it */
    return memset(memory, 0, size);
}
