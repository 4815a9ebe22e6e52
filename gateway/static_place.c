#include "gateway/static_place.h"

#include "proto/base/die.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *copy(const char *text)
{
    char *own = strdup(text);
    if (!own)
        die("out of memory");
    return own;
}

static bool is_one_file(const char *name)
{
    size_t size = strlen(name);
    return size > 0 && name[size - 1] != '/';
}

bool static_place_open(struct static_place *place, const char *name, const char *path)
{
    char *directory = copy(path);
    bool to_file = is_one_file(name);
    place->name = copy(name);
    place->file = NULL;
    if (to_file) {
        char *slash = strrchr(directory, '/');
        place->file = copy(slash ? slash + 1 : directory);
        if (slash)
            slash[slash == directory] = '\0';
    }
    bool here = to_file && !strchr(path, '/');
    place->directory = open(here ? "." : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(directory);
    return place->directory >= 0;
}

void static_place_close(struct static_place *place)
{
    if (place->directory >= 0)
        close(place->directory);
    free(place->name);
    free(place->file);
}

const char *static_place_inside(const struct static_place *place, const char *name)
{
    if (place->file)
        return strcmp(place->name, name) == 0 ? place->file : NULL;
    size_t size = strlen(place->name);
    return strncmp(place->name, name, size) == 0 ? name + size : NULL;
}

int static_place_find(const struct static_place *place, enum static_links links, const char *inside,
                      enum static_kind kind, int *out_fd, struct stat *out_stat)
{
    return static_open(place->directory, inside, place->file ? STATIC_LINKS_FOLLOWED : links, kind,
                       out_fd, out_stat);
}
