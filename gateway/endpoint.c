#include "gateway/endpoint.h"

#include "proto/base/die.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const char scheme[] = "ipc://";

int endpoint_lock(const char *endpoint, const char **out_error)
{
    if (strncmp(endpoint, scheme, strlen(scheme)) != 0) {
        *out_error = "not an ipc:// endpoint";
        return -1;
    }
    char *path;
    if (asprintf(&path, "%s.lock", endpoint + strlen(scheme)) < 0)
        die("out of memory");
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0640);
    free(path);
    if (fd < 0) {
        *out_error = strerror(errno);
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        *out_error = "another gateway has it";
        return -1;
    }
    return fd;
}

void endpoint_release(int fd, const char *endpoint)
{
    if (fd < 0)
        return;
    unlink(endpoint + strlen(scheme));
    close(fd);
}
