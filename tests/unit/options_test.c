#include "proto/config/options.h"
#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <sys/stat.h>

static struct buf said;

static const char *threads;
static const char *loud;

static const struct options program = {
    .usage = "[OPTION…] POOL",
    .summary = "A program under test.",
    .rows =
        (const struct options_row[]){
            {"port", "PORT", "port to listen on", "gateway.port", NULL},
            {"gateway", "ENDPOINT", "a gateway; again for more", "pools.gateways", NULL},
            {"threads", "N", "threads", NULL, &threads},
            {"loud", NULL, "say more", NULL, &loud},
            {NULL},
        },
};

static struct config *options_config;
static int options_first;

/* What the program says goes to the file `out`, so that the test's own words stay apart. */
static int run(const char *const *args, struct buf *out)
{
    static char name[] = "test";
    char *argv[16] = {name};
    int argc = 1;
    for (; *args; args++)
        argv[argc++] = (char *)*args;
    fflush(stdout);
    int keep_out = dup(1), keep_err = dup(2);
    int file = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(file, 1);
    dup2(file, 2);
    int status = options_read(&program, argc, argv, &options_config, &options_first);
    fflush(stdout);
    dup2(keep_out, 1);
    dup2(keep_err, 2);
    close(keep_out);
    close(keep_err);
    buf_reset(out);
    ssize_t n = pread(file, buf_reserve(out, 65536), 65536, 0);
    out->size = n > 0 ? (size_t)n : 0;
    close(file);
    return status;
}

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL}, &said)

TEST("options set keys, gather lists, keep what is the program's own, and leave the arguments")
{
    write_file("vote.yaml", STR("gateway: {port: 1}\n"));
    CHECK_INT(RUN("--config", "vote.yaml", "db", "--port=9101", "--gateway", "ipc://a", "--gateway",
                  "ipc://b", "--threads", "3", "--loud", "--set", "site.name=a=b"),
              -1);
    CHECK_INT(options_first, 13);
    CHECK_INT(options_config->gateway.port, 9101);
    CHECK_INT(options_config->pools.gateways.count, 2);
    CHECK_STR(str_from(options_config->pools.gateways.items[1]), "ipc://b");
    CHECK_STR(str_from(options_config->site.name), "a=b");
    CHECK_STR(str_from(threads), "3");
    CHECK_STR(str_from(loud), "loud");
    config_free(options_config);
}

TEST("--check-config says ok, or every mistake and exits 1")
{
    write_file("vote.yaml", STR("gateway: {port: 1}\n"));
    CHECK_INT(RUN("--config", "vote.yaml", "--check-config"), 0);
    CHECK_STR(buf_str(&said), "ok\n");
    CHECK_INT(RUN("--config", "vote.yaml", "--check-config", "--port", "-1", "--gateway", "a"), 1);
    CHECK_STR(
        buf_str(&said),
        "--port: gateway.port: -1 is out of range, expected 0 to 65535\n"
        "--gateway: pools.gateways: item 1 is \"a\", expected an ipc:// or tcp:// endpoint\n");
}

TEST("--print-config, --help and --version print and exit 0")
{
    write_file("vote.yaml", STR("databases: {default: {password: hush}}\n"));
    CHECK_INT(RUN("--config", "vote.yaml", "--print-config", "--port", "5"), 0);
    CHECK(memmem(said.data, said.size, "  port: 5 # --port\n", 19));
    CHECK(!memmem(said.data, said.size, "hush", 4));
    CHECK_INT(RUN("--help"), 0);
    CHECK(memmem(said.data, said.size, "\n  --port PORT             port to listen on\n", 44));
    CHECK(memmem(said.data, said.size, "\n  --print-config ", 17));
    CHECK_INT(RUN("--version"), 0);
    CHECK(memmem(said.data, said.size, " " VOTE_VERSION "\n", sizeof VOTE_VERSION + 1));
}

TEST("a wrong use of the command line exits 1 and points to --help")
{
    CHECK_INT(RUN("--prot", "5"), 1);
    CHECK(str_ends(buf_str(&said), STR(" --help'.\n")));
    CHECK_INT(RUN("--config", "/dev/null", "--set", "gateway.port"), 1);
    CHECK(memmem(said.data, said.size, "--set needs KEY=VALUE, not gateway.port\n", 40));
}

TEST("without --config the file is config/vote.yaml, then /etc/vote/vote.yaml")
{
    CHECK_INT(mkdir("config", 0700), 0);
    write_file("config/vote.yaml", STR("gateway: {port: 77}\n"));
    int status = RUN("db");
    unlink("config/vote.yaml");
    rmdir("config");
    CHECK_INT(status, -1);
    CHECK_INT(options_config->gateway.port, 77);
    config_free(options_config);
    if (access("/etc/vote/vote.yaml", F_OK) == 0) /* this machine has a site of its own */
        return;
    CHECK_INT(RUN("--set", "gateway.prot=1"), 1);
    CHECK_STR(buf_str(&said),
              "config/vote.yaml, /etc/vote/vote.yaml: file: No such file or directory, expected a "
              "file that can be read\n"
              "--set: gateway.prot: is no known key, expected one like gateway.port\n");
}

TEST_MAIN
