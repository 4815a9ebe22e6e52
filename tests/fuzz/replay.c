/* Runs a fuzz target over files, or all files of directories: the corpus as a test, without clang.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

static int ran;

static void run_file(const char *path)
{
    char *bytes = NULL;
    size_t size = 0, room = 0;
    FILE *file = fopen(path, "rb");
    PROMISE(file);
    do {
        room = room ? 2 * room : 4096;
        PROMISE((bytes = realloc(bytes, room)));
        size += fread(bytes + size, 1, room - size, file);
    } while (size == room);
    fclose(file);
    char *exact = fuzz_copy(str_make(bytes, size));
    free(bytes);
    fprintf(stderr, "%s\n", path); /* the last line names the one that breaks */
    LLVMFuzzerTestOneInput((const uint8_t *)exact, size);
    free(exact);
    ran++;
}

static void run(const char *path)
{
    struct stat stat_of;
    PROMISE(stat(path, &stat_of) == 0);
    if (!S_ISDIR(stat_of.st_mode)) {
        run_file(path);
        return;
    }
    DIR *directory = opendir(path);
    PROMISE(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        struct arena arena = {0};
        if (entry->d_name[0] != '.')
            run_file(arena_printf(&arena, "%s/%s", path, entry->d_name));
        arena_free(&arena);
    }
    closedir(directory);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run(argv[i]);
    printf("%d inputs\n", ran);
    return ran == 0;
}
