#include "proto/channel_curve.h"
#include "proto/config/config.h"
#include "proto/config/keys.h"
#include "tests/unit/scratch.h"

#include <sys/stat.h>

#define KEY "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"

static struct arena arena;

/* How many keys there are; *line: the wrong one, 0: none. */
static size_t parse(const char *text, size_t *line)
{
    struct curve_keys found;
    if (curve_keys_parse(str_from(text), &arena, &found, line))
        *line = 0;
    return found.count;
}

TEST("a key is 40 characters of Z85, no group of five past 32 bits")
{
    struct curve_key key;
    CHECK(curve_key_parse(STR(KEY), &key));
    CHECK_STR(str_from(key.text), KEY);
    CHECK(!curve_key_parse(STR(KEY "0"), &key));
    CHECK(!curve_key_parse(str_make(KEY, 39), &key));
    CHECK(!curve_key_parse(STR(""), &key));
    CHECK(curve_key_parse(STR("%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0"), &key));
    CHECK(!curve_key_parse(STR("%nSc1%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0"), &key));
    CHECK(!curve_key_parse(STR("JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh\""), &key));
    CHECK(!curve_key_parse(STR("JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh\0"), &key));
}

TEST("fresh keys are keys, and no two pairs are the same")
{
    struct curve_key secret, public, again, parsed;
    channel_make_keys(&secret, &public);
    CHECK(curve_key_parse(str_from(secret.text), &parsed) && curve_key_equal(&secret, &parsed));
    CHECK(curve_key_parse(str_from(public.text), &parsed) && curve_key_equal(&public, &parsed));
    channel_make_keys(&again, &public);
    CHECK(!curve_key_equal(&secret, &again));
}

TEST("a list of keys has comments behind keys and in lines of their own")
{
    size_t line;
    CHECK_INT(parse("", &line), 0);
    CHECK_INT(line, 0);
    CHECK_INT(parse("# ours\n#ours\n\n" KEY "\n  " KEY "\tpools of host b \r\n" KEY, &line), 3);
    CHECK_INT(line, 0);
}

TEST("no key begins like a comment, though # is a letter of Z85")
{
    struct curve_key key;
    CHECK(!curve_key_parse(STR("#0000JTKVSJTKVSJTKVSJTKVSJTKVSJTKVSJTKVS"), &key));
    CHECK(curve_key_parse(STR("0000#JTKVSJTKVSJTKVSJTKVSJTKVSJTKVSJTKVS"), &key));
}

TEST("a wrong line in a list is told by its number")
{
    size_t line;
    parse(KEY "\n" KEY "x\n", &line);
    CHECK_INT(line, 2);
    parse(KEY "\n\n" KEY " b\n- garbage\n", &line);
    CHECK_INT(line, 4);
}

/* ---- files --------------------------------------------------------------------------------- */

static void keep(const char *name, mode_t mode, struct str text)
{
    write_file(name, text);
    CHECK_INT(chmod(name, mode), 0);
}

#define CHECK_REFUSED(read, name, expected)         \
    do {                                            \
        struct curve_key key_;                      \
        const char *error_ = "";                    \
        CHECK(!read(name, &key_, &arena, &error_)); \
        CHECK_STR(str_from(error_), expected);      \
    } while (0)

TEST("a secret that others may read is refused, whatever it holds")
{
    struct curve_key key;
    const char *error;
    keep("secret", 0644, STR(KEY "\n"));
    CHECK_REFUSED(curve_secret_read, "secret",
                  "secret: others may read it, expected mode 0600 or 0640");
    keep("secret", 0640, STR(KEY " secret\n"));
    CHECK(curve_secret_read("secret", &key, &arena, &error));
    CHECK_STR(str_from(key.text), KEY);
}

TEST("a public key that others may write is refused")
{
    struct curve_key key;
    const char *error;
    keep("public", 0666, STR(KEY "\n"));
    CHECK_REFUSED(curve_public_read, "public",
                  "public: others may write it, expected mode 0644 or less");
    keep("public", 0644, STR(KEY "\n"));
    CHECK(curve_public_read("public", &key, &arena, &error));
}

TEST("a file of one key that holds none, two or garbage is refused without showing it")
{
    keep("secret", 0600, STR("\n"));
    CHECK_REFUSED(curve_secret_read, "secret", "secret: holds 0 keys, expected 1");
    keep("secret", 0600, STR(KEY "\n" KEY "\n"));
    CHECK_REFUSED(curve_secret_read, "secret", "secret: holds 2 keys, expected 1");
    keep("secret", 0600, STR("hunter2\n"));
    CHECK_REFUSED(curve_secret_read, "secret",
                  "secret: line 1 is no CURVE key, expected 40 characters of Z85");
    CHECK_REFUSED(curve_secret_read, "missing", "missing: No such file or directory");
    CHECK_REFUSED(curve_secret_read, ".", ".: is no file");
}

TEST("a file too large for keys is refused")
{
    struct buf text = {0};
    while (text.size <= CURVE_FILE_MAX)
        buf_add_str(&text, STR(KEY "\n"));
    keep("public", 0600, buf_str(&text));
    CHECK_REFUSED(curve_public_read, "public", "public: is too large for a file of keys");
    buf_free(&text);
}

/* ---- endpoints ----------------------------------------------------------------------------- */

TEST("an endpoint is tcp://, a host and a port")
{
    static const struct {
        const char *text;
        bool to_connect, to_bind;
    } rows[] = {
        {"tcp://a.example:9700", true, true},
        {"tcp://127.0.0.1:1", true, true},
        {"tcp://[::1]:65535", true, true},
        {"tcp://[fe80::1]:9700", true, true},
        {"tcp://*:9700", false, true},
        {"tcp://127.0.0.1:*", false, true},
        {"tcp://", false, false},
        {"tcp://a", false, false},
        {"tcp://a:", false, false},
        {"tcp://:9700", false, false},
        {"tcp://a:0", false, false},
        {"tcp://a:65536", false, false},
        {"tcp://a:-1", false, false},
        {"tcp://a b:9700", false, false},
        {"tcp://::1:9700", false, false},
        {"tcp://[a]:9700", false, false},
        {"tcp://[127.0.0.1]:1", false, false},
        {"tcp://a:9700/", false, false},
        {"ipc://a:9700", false, false},
        {"", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (key_tcp_is_valid(str_from(rows[i].text), false) != rows[i].to_connect ||
            key_tcp_is_valid(str_from(rows[i].text), true) != rows[i].to_bind)
            TEST_FAIL("%s is judged wrongly", rows[i].text);
    }
}

/* The mistakes of a configuration, "" for none. */
static void check_config(const char *yaml, const char *expected)
{
    struct config *config = NULL;
    struct buf errors = {0};
    write_file("vote.yaml", str_from(yaml));
    config_load(&(struct config_args){.file = "vote.yaml"}, &config, &errors);
    config_free(config);
    struct str told = arena_str(&arena, buf_str(&errors));
    buf_free(&errors);
    CHECK_STR(told, expected);
}

TEST("tcp without keys is a mistake of the configuration")
{
    check_config("gateway: {tcp_endpoint: 'tcp://*:9700', curve_secret_file: a}\n",
                 "vote.yaml:1: gateway.tcp_endpoint: tcp:// needs keys, expected "
                 "gateway.curve_clients_file too\n");
    check_config("gateway: {tcp_endpoint: 'tcp://*:9700', curve_clients_file: a}\n",
                 "vote.yaml:1: gateway.tcp_endpoint: tcp:// needs keys, expected "
                 "gateway.curve_secret_file too\n");
    check_config("gateway: {tcp_endpoint: 'tcp://*:9700', curve_clients_file: a,\n"
                 "  curve_secret_file: b}\n",
                 "");
    check_config("gateway: {tcp_endpoint: 'ipc://a'}\n",
                 "vote.yaml:1: gateway.tcp_endpoint: \"ipc://a\" is no endpoint, expected "
                 "tcp://HOST:PORT\n");
    check_config("pools: {gateways: ['ipc://a', 'tcp://b:1'], curve_secret_file: c}\n",
                 "vote.yaml:1: pools.gateways: tcp:// needs keys, expected "
                 "pools.curve_server_file too\n");
    check_config("pools: {gateways: ['tcp://b:1'], curve_secret_file: c, curve_server_file: d}\n",
                 "");
    check_config("pools: {gateways: ['tcp://b']}\n",
                 "vote.yaml:1: pools.gateways: item 1 is \"tcp://b\", expected an ipc:// or "
                 "tcp:// endpoint\n");
}

/* ---- channels ------------------------------------------------------------------------------ */

TEST("a channel without keys goes nowhere over tcp")
{
    const char *error = "";
    struct channel_context *context = channel_context_new();
    struct channel *router = channel_router_new(context), *dealer = channel_dealer_new(context);
    CHECK(!channel_bind(router, "tcp://127.0.0.1:*", &error));
    CHECK_STR(str_from(error), "tcp:// needs keys (CURVE)");
    error = "";
    CHECK(!channel_connect(dealer, "tcp://127.0.0.1:1", &error));
    CHECK_STR(str_from(error), "tcp:// needs keys (CURVE)");
    channel_free(router);
    channel_free(dealer);
    channel_context_free(context);
    arena_free(&arena);
}

TEST_MAIN
