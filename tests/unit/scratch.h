/* scratch: a directory of the test program's own, in which it runs, and which goes with it,
 * provided that all it holds at the end are the files named below. */
#ifndef VOTE_TEST_SCRATCH_H
#define VOTE_TEST_SCRATCH_H

#include "tests/unit/test.h"

#include <unistd.h>

static char scratch_directory[] = "/tmp/vote_unit.XXXXXX";

__attribute__((constructor)) static void enter_scratch_directory(void)
{
    if (!mkdtemp(scratch_directory) || chdir(scratch_directory) != 0)
        abort();
}

__attribute__((destructor)) static void leave_scratch_directory(void)
{
    static const char *const files[] = {"vote.yaml", "secret", "public", "out"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(files[i]);
    rmdir(scratch_directory);
}

static void write_file(const char *name, struct str text)
{
    FILE *file = fopen(name, "w");
    CHECK(file);
    fwrite(text.data, 1, text.size, file);
    CHECK_INT(fclose(file), 0);
}

#endif
