/* static_open: open a file below a directory, and never one outside it. Blocks for the disk. */
#ifndef VOTE_GATEWAY_STATIC_OPEN_H
#define VOTE_GATEWAY_STATIC_OPEN_H

#include <stdbool.h>
#include <sys/stat.h>

enum static_links {
    STATIC_LINKS_BENEATH, /* symlinks are followed while they stay inside; openat2(2) */
    STATIC_LINKS_CHECKED, /* the same, for a kernel before 5.6: opened, then looked where it is */
    STATIC_LINKS_FOLLOWED /* wherever they lead */
};

enum static_kind { STATIC_FILE, STATIC_DIRECTORY };

/* static_open: name (relative, no "." or "..", "" for the directory itself) below directory (an
 * open descriptor). Returns 0 with an open descriptor of a regular file, or of a directory, in
 * *out_fd, the caller's, and its *out_stat; else the HTTP status: 404 if there is none or a symlink
 * leaves the directory (an absolute one always counts as leaving for BENEATH), 403 for what may not
 * be read or is of another kind, 503 if descriptors ran out. Never waits for a FIFO's other end. */
int static_open(int directory, const char *name, enum static_links links, enum static_kind kind,
                int *out_fd, struct stat *out_stat);

#endif
