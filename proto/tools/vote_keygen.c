/* vote-keygen: a pair of keys for tcp:// between hosts, in two files. */
#include "proto/channel_curve.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "Usage: vote-keygen [NAME]\n"
    "Make a fresh pair of keys for tcp:// between hosts (CURVE): NAME.secret, which stays with "
    "its\n"
    "owner, and NAME.public. NAME is a path, vote if not given. No file is ever replaced.\n";

/* A file of this mode that was not there before. False: told, and there is none. */
static bool write_key(const char *path, mode_t mode, const struct curve_key *key,
                      const char *comment)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, path, strerror(errno));
        return false;
    }
    bool good = dprintf(fd, "%s %s\n", key->text, comment) > 0 && fsync(fd) == 0;
    good = close(fd) == 0 && good;
    if (good)
        return true;
    fprintf(stderr, "%s: %s: cannot be written\n", program_invocation_short_name, path);
    unlink(path);
    return false;
}

static void print_advice(const char *secret, const char *public)
{
    printf("%s: the secret key; it stays on the host it is for, mode 0600.\n"
           "%s: the public key; anybody may see it.\n\n"
           "For a gateway:  gateway.curve_secret_file: %s\n"
           "                and on every host of pools  pools.curve_server_file: %s\n"
           "For a pool:     pools.curve_secret_file: %s\n"
           "                and the line of %s into the gateways' gateway.curve_clients_file\n",
           secret, public, secret, public, secret, public);
}

static int make(const char *name)
{
    struct arena arena = {0};
    struct curve_key secret, public;
    const char *slash = strrchr(name, '/');
    const char *secret_path = arena_printf(&arena, "%s.secret", name);
    const char *public_path = arena_printf(&arena, "%s.public", name);
    channel_make_keys(&secret, &public);
    bool good = write_key(secret_path, 0600, &secret, "secret");
    explicit_bzero(&secret, sizeof secret);
    if (good && !write_key(public_path, 0644, &public, slash ? slash + 1 : name)) {
        unlink(secret_path);
        good = false;
    }
    if (good)
        print_advice(secret_path, public_path);
    arena_free(&arena);
    return good && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int code = getopt_long(argc, argv, "", options, NULL);
    if (code == 'h') {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    const char *name = argc > optind ? argv[optind] : "vote";
    if (code != -1 || argc - optind > 1 || !*name || str_has_control(str_from(name))) {
        fputs(usage, stderr);
        return EXIT_FAILURE;
    }
    return make(name);
}
