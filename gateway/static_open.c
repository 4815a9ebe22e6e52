#include "gateway/static_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_beneath(int directory, const char *name, int flags)
{
    struct open_how how = {.flags = (unsigned)flags, .resolve = RESOLVE_BENEATH};
    return (int)syscall(SYS_openat2, directory, name, &how, sizeof how);
}

/* Where the descriptor's file really is. */
static bool real_path(int fd, char out[PATH_MAX])
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, PATH_MAX - 1);
    out[n < 0 ? 0 : n] = '\0';
    return n > 0;
}

static bool is_inside(int directory, int fd)
{
    char outer[PATH_MAX], inner[PATH_MAX];
    if (!real_path(directory, outer) || !real_path(fd, inner))
        return false;
    size_t size = strlen(outer);
    return strncmp(outer, inner, size) == 0 && (inner[size] == '/' || inner[size] == '\0');
}

/* The descriptor is looked at after it is open, so nothing can be swapped in between. */
static int open_checked(int directory, const char *name, int flags)
{
    int fd = openat(directory, name, flags);
    if (fd >= 0 && !is_inside(directory, fd)) {
        close(fd);
        errno = EXDEV;
        return -1;
    }
    return fd;
}

static int status_of(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
    case ENXIO: /* a socket, or a device without a driver */
    case ENODEV:
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return 503;
    default:
        return 404;
    }
}

int static_open(int directory, const char *name, enum static_links links, enum static_kind kind,
                int *out_fd, struct stat *out_stat)
{
    int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, fd = -1;
    mode_t wanted = kind == STATIC_FILE ? S_IFREG : S_IFDIR;
    if (!*name)
        name = ".";
    if (links == STATIC_LINKS_BENEATH) {
        fd = open_beneath(directory, name, flags);
        if (fd < 0 && errno == ENOSYS)
            links = STATIC_LINKS_CHECKED;
    }
    if (links == STATIC_LINKS_CHECKED)
        fd = open_checked(directory, name, flags);
    else if (links == STATIC_LINKS_FOLLOWED)
        fd = openat(directory, name, flags);
    if (fd < 0)
        return status_of(errno);
    if (fstat(fd, out_stat) < 0 || (out_stat->st_mode & S_IFMT) != wanted) {
        close(fd);
        return 403;
    }
    *out_fd = fd;
    return 0;
}
