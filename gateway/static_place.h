/* static_place: inside static. Where names of one kind are: a root, or an alias. */
#ifndef VOTE_GATEWAY_STATIC_PLACE_H
#define VOTE_GATEWAY_STATIC_PLACE_H

#include "gateway/static_open.h"

struct static_place {
    char *name;    /* owned: "css/lib.css", "lib/", or "" for a root */
    char *file;    /* owned: of an alias to one file, its name in directory; else NULL */
    int directory; /* owned */
};

/* static_place_open: name: see struct static_alias; "" for a root. False, with errno set, if the
 * directory cannot be opened. To be given to static_place_close in either case. */
bool static_place_open(struct static_place *place, const char *name, const char *path);
void static_place_close(struct static_place *place);

/* static_place_inside: the name inside the place, or NULL if the name is not of it. */
const char *static_place_inside(const struct static_place *place, const char *name);

/* static_place_find: static_open of a name that is in the place, which see. The operator's own
 * alias to a file may be a symlink to anywhere. */
int static_place_find(const struct static_place *place, enum static_links links, const char *inside,
                      enum static_kind kind, int *out_fd, struct stat *out_stat);

#endif
