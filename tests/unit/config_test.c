#include "proto/config/config.h"
#include "proto/config/keys.h"
#include "tests/unit/scratch.h"

static struct buf errors;

static struct config *load_args(struct config_args args)
{
    struct config *config = NULL;
    buf_reset(&errors);
    return config_load(&args, &config, &errors) ? config : NULL;
}

static struct config *load_bytes(struct str text)
{
    write_file("vote.yaml", text);
    return load_args((struct config_args){.file = "vote.yaml", .secrets = true});
}

static struct config *load(const char *text)
{
    return load_bytes(str_from(text));
}

/* CHECK_WRONG: the file is refused with exactly these lines. */
#define CHECK_WRONG(text, expected)            \
    do {                                       \
        CHECK(!load(text));                    \
        CHECK_STR(buf_str(&errors), expected); \
    } while (0)

/* CHECK_LOADED: or the reason why not. */
#define CHECK_LOADED(config)                                       \
    do {                                                           \
        if (!(config))                                             \
            TEST_FAIL("refused: %.*s", STR_ARG(buf_str(&errors))); \
    } while (0)

TEST("an empty file gives every default")
{
    struct config *config = load("");
    CHECK_LOADED(config);
    CHECK_STR(str_from(config->gateway.host), "127.0.0.1");
    CHECK_INT(config->gateway.port, 9000);
    CHECK(config->gateway.access_log);
    CHECK(!config->session.secure_cookie);
    CHECK_INT(config->gateway.trusted_proxies.count, 2);
    CHECK_STR(str_from(config->gateway.trusted_proxies.items[1]), "::1");
    CHECK_STR(str_from(config->site.name), "投票");
    CHECK_STR(str_from(config->files.static_dir), "static");
    CHECK_STR(str_from(config->database.socket), "");
    CHECK_INT(config->database.maxsize, 10);
    CHECK_INT(config->cache.port, 6379);
    CHECK_INT(config->password.memlimit, 19922944);
    CHECK_INT(config->log.level, LOG_INFO);
    config_free(config);
}

TEST("a file sets any kind of key, at the top, in a section and in one within another")
{
    struct config *config = load("template_dir: pages\n"
                                 "gateway:\n"
                                 "  port: 9101\n"
                                 "  access_log: false\n"
                                 "  trusted_proxies: []\n"
                                 "pools: {gateways: [ipc://a, ipc://b]}\n"
                                 "databases:\n"
                                 "  default:\n"
                                 "    user: 12345\n"
                                 "    name: \"a\\\"b\\\\c # d\"\n"
                                 "site: {utc_offset_minutes: -480}\n"
                                 "log: {level: debug}\n"
                                 "limits:\n"
                                 "caches: ~\n");
    CHECK_LOADED(config);
    CHECK_STR(str_from(config->files.template_dir), "pages");
    CHECK_INT(config->gateway.port, 9101);
    CHECK(!config->gateway.access_log);
    CHECK_INT(config->gateway.trusted_proxies.count, 0);
    CHECK_INT(config->pools.gateways.count, 2);
    CHECK_STR(str_from(config->pools.gateways.items[1]), "ipc://b");
    CHECK_STR(str_from(config->database.user), "12345");
    CHECK_STR(str_from(config->database.name), "a\"b\\c # d");
    CHECK_INT(config->site.utc_offset_minutes, -480);
    CHECK_INT(config->log.level, LOG_DEBUG);
    CHECK_INT(config->limits.body, 1048576);
    config_free(config);
}

TEST("a key may be written with its dots, as --set has it, but still once")
{
    struct config *config = load("gateway.port: 5\n");
    CHECK_LOADED(config);
    CHECK_INT(config->gateway.port, 5);
    config_free(config);
    CHECK_WRONG("gateway.port: 5\ngateway: {port: 6}\n",
                "vote.yaml:2: gateway.port: is given twice, expected it once (first in line 1)\n");
}

TEST("an integer is decimal, whatever YAML makes of a leading zero")
{
    struct config *config = load("gateway: {port: 010}");
    CHECK_LOADED(config);
    CHECK_INT(config->gateway.port, 10);
    config_free(config);
    CHECK_WRONG("gateway: {port: 0x10}", "vote.yaml:1: gateway.port: \"0x10\" is not a whole "
                                         "number, expected 0 to 65535\n");
}

TEST("each mistake is told with its line, its key, what is wrong and what was expected")
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"gateway:\n  port: 99999\n",
         "vote.yaml:2: gateway.port: 99999 is out of range, expected 0 to 65535\n"},
        {"gateway: {port: 99999999999999999999}\n",
         "vote.yaml:1: gateway.port: 99999999999999999999 is out of range, expected 0 to 65535\n"},
        {"gateway: {port: many}\n",
         "vote.yaml:1: gateway.port: \"many\" is not a whole number, expected 0 to 65535\n"},
        {"gateway: {port: 90.5}\n",
         "vote.yaml:1: gateway.port: \"90.5\" is not a whole number, expected 0 to 65535\n"},
        {"gateway: {port: }\n",
         "vote.yaml:1: gateway.port: \"\" is not a whole number, expected 0 to 65535\n"},
        {"gateway: {port: [1]}\n",
         "vote.yaml:1: gateway.port: is a list, expected a whole number, 0 to 65535\n"},
        {"gateway: {port: {a: 1}}\n",
         "vote.yaml:1: gateway.port: is a section, expected a whole number, 0 to 65535\n"},
        {"gateway: {access_log: yes}\n",
         "vote.yaml:1: gateway.access_log: \"yes\" is unknown, expected true or false\n"},
        {"log: {level: loud}\n",
         "vote.yaml:1: log.level: \"loud\" is unknown, expected one of debug, info, warn, error\n"},
        {"gateway: {host: ''}\n",
         "vote.yaml:1: gateway.host: is empty, expected text of 1 to 255 bytes\n"},
        {"session: {cookie_name: "
         "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff12345}\n",
         "vote.yaml:1: session.cookie_name: is 65 bytes long, expected text of 1 to 64 bytes\n"},
        {"site: {name: \"a\\nb\"}\n", "vote.yaml:1: site.name: holds a control character, expected "
                                      "printable text\n"},
        {"site: {name: \"a\\0b\"}\n", "vote.yaml:1: site.name: holds a control character, expected "
                                      "printable text\n"},
        {"site: {name: \"\\x85\"}\n", "vote.yaml:1: site.name: holds a control character, expected "
                                      "printable text\n"},
        {"site: {name: \"\\uFEFF\"}\n", "vote.yaml:1: site.name: holds a control character, "
                                        "expected printable text\n"},
        {"pools: {gateways: []}\n", "vote.yaml:1: pools.gateways: has 0 items, expected a list of "
                                    "1 to 256, each an ipc:// or tcp:// endpoint\n"},
        {"pools: {gateways: ipc://a}\n",
         "vote.yaml:1: pools.gateways: is a single value, expected a list of 1 to 256, each an "
         "ipc:// or tcp:// endpoint\n"},
        {"pools:\n  gateways:\n    - ipc://a\n    - [b]\n",
         "vote.yaml:4: pools.gateways: item 2 is a list or a section, expected an ipc:// or tcp:// "
         "endpoint\n"},
        {"pools: {gateways: ['ipc://a', 'http://b']}\n",
         "vote.yaml:1: pools.gateways: item 2 is \"http://b\", expected an ipc:// or tcp:// "
         "endpoint\n"},
        {"gateway: {trusted_proxies: [127.0.0.1, localhost]}\n",
         "vote.yaml:1: gateway.trusted_proxies: item 2 is \"localhost\", expected an IPv4 or IPv6 "
         "address\n"},
        {"gateway: 9000\n",
         "vote.yaml:1: gateway: is a single value, expected a section with keys\n"},
        {"gateway: [9000]\n", "vote.yaml:1: gateway: is a list, expected a section with keys\n"},
        {"- 1\n", "vote.yaml:1: document: is a list, expected a section with keys\n"},
        {"port: &x 1\n", "vote.yaml:1: port: is no known key, expected one like gateway.port\n"
                         "vote.yaml:1: port: has an anchor, expected a value without\n"},
        {"session: {cookie_name: 'a b'}\n",
         "vote.yaml:1: session.cookie_name: \"a b\" is no name for a cookie, expected letters, "
         "digits, - or _\n"},
        {"gateway:\n  ? [a]\n  : 1\n",
         "vote.yaml:2: gateway: has a key that is no word, expected a name\n"},
        {"--- {}\n--- {}\n", "vote.yaml:2: document: is the second, expected one\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_WRONG(rows[i].text, rows[i].error);
}

TEST("an unknown key names the nearest known one")
{
    CHECK_WRONG("gateway: {prot: 1}\n",
                "vote.yaml:1: gateway.prot: is no known key, expected one like gateway.port\n");
    CHECK_WRONG("gatway: {port: 1}\n",
                "vote.yaml:1: gatway: is no known key, expected one like gateway\n");
    CHECK_WRONG("databases: {replica: {port: 1}}\n", "vote.yaml:1: databases.replica: is no known "
                                                     "key, expected one like databases.default\n");
    CHECK_WRONG("gateway: {minsize: 2}\n", "vote.yaml:1: gateway.minsize: is no known key, "
                                           "expected one like databases.default.minsize\n");
    CHECK_WRONG("static_dri: x\n",
                "vote.yaml:1: static_dri: is no known key, expected one like static_dir\n");
    CHECK(!load("'': {log: {level: info}}\n"));
    CHECK(!load("\"gateway\\0\": {port: 1}\n"));
}

TEST("a key or a section given twice is a mistake that names both lines")
{
    CHECK_WRONG("gateway:\n  port: 1\n  port: 2\n", "vote.yaml:3: gateway.port: is given twice, "
                                                    "expected it once (first in line 2)\n");
    CHECK_WRONG("log: {level: info}\n\nlog: {level: info}\n",
                "vote.yaml:3: log: is given twice, expected it once (first in line 1)\n");
}

TEST("two keys that do not fit are told, and the later one is to blame")
{
    CHECK_WRONG("databases: {default: {maxsize: 4,\n minsize: 5}}\n",
                "vote.yaml:2: databases.default.minsize: 5 does not fit databases.default.maxsize, "
                "expected at most 4\n");
    CHECK_WRONG("session: {absolute_s: 60}\n",
                "vote.yaml:1: session.absolute_s: 60 does not fit session.idle_s, expected at "
                "least 1209600\n");
}

TEST("all mistakes are told at once, in the order of the file")
{
    CHECK_WRONG("databases:\n"
                "  default: {minsize: 9,\n"
                "  maxsize: 3}\n"
                "gateway:\n"
                "  port: -1\n"
                "  hots: a\n"
                "  access_log: maybe\n"
                "log: {level: 5}\n",
                "vote.yaml:3: databases.default.maxsize: 3 does not fit databases.default.minsize, "
                "expected at least 9\n"
                "vote.yaml:5: gateway.port: -1 is out of range, expected 0 to 65535\n"
                "vote.yaml:6: gateway.hots: is no known key, expected one like gateway.host\n"
                "vote.yaml:7: gateway.access_log: \"maybe\" is unknown, expected true or false\n"
                "vote.yaml:8: log.level: \"5\" is unknown, expected one of debug, info, warn, "
                "error\n");
}

TEST("broken YAML is told with its line, after the mistakes before it")
{
    CHECK_WRONG("gateway:\n  port: -1\n  host: a: b\n",
                "vote.yaml:2: gateway.port: -1 is out of range, expected 0 to 65535\n"
                "vote.yaml:3: syntax: mapping values are not allowed in this context, expected "
                "YAML\n");
    CHECK_WRONG("gateway: {port: 1\n", "vote.yaml:2: syntax: while parsing a flow mapping: did not "
                                       "find expected ',' or '}', expected YAML\n");
    CHECK_WRONG("gateway:\n\tport: 1\n",
                "vote.yaml:2: syntax: while scanning for the next token: found character that "
                "cannot start any token, expected YAML\n");
}

TEST("bytes that are no UTF-8 are named by their line")
{
    CHECK_WRONG(
        "site:\n\n  name: \xc0\xaf\n",
        "vote.yaml:3: syntax: invalid length of a UTF-8 sequence, expected YAML in UTF-8\n");
    CHECK_WRONG("site:\n  name: \xe6\x8a",
                "vote.yaml:2: syntax: incomplete UTF-8 octet sequence, expected YAML in UTF-8\n");
    CHECK(!load_bytes(STR("\xff\xfeg\0a\0")));
    CHECK(!load_bytes(STR("site: {name: a\0b}")));
}

TEST("anchors, aliases and tags are refused, so a small file cannot stand for a large one")
{
    CHECK_WRONG("site:\n  name: &a x\nsession:\n  cookie_name: *a\n",
                "vote.yaml:2: site.name: has an anchor, expected a value without\n"
                "vote.yaml:4: session.cookie_name: is an alias, expected the value itself\n");
    CHECK_WRONG("gateway: !!map {port: !!int 5}\n",
                "vote.yaml:1: gateway: has a tag, expected a value without\n");
    CHECK_WRONG("&a gateway: {port: 5}\n",
                "vote.yaml:1: document: has an anchor, expected a value without\n");
}

TEST("deep nesting ends the reading")
{
    struct buf text = {0};
    for (int i = 0; i < 500000; i++)
        buf_add_char(&text, '[');
    CHECK(!load_bytes(buf_str(&text)));
    CHECK_STR(buf_str(&errors),
              "vote.yaml:1: document: is a list, expected a section with keys\n"
              "vote.yaml:1: document: is nested too deeply, expected 16 levels at most\n");
    buf_free(&text);
}

TEST("a file past one MiB is refused, whatever is in it")
{
    struct buf text = {0};
    while (text.size <= CONFIG_FILE_MAX)
        buf_printf(&text, "# nothing at all\n");
    CHECK(!load_bytes(buf_str(&text)));
    CHECK_STR(buf_str(&errors), "vote.yaml: file: is too large, expected 1048576 bytes at most\n");
    buf_free(&text);
    CHECK(!load_args((struct config_args){.file = "/dev/zero"}));
}

TEST("of a hundred thousand mistakes the first hundred are told")
{
    struct buf text = {0};
    for (int i = 0; i < 100000; i++)
        buf_printf(&text, "k%d:\n", i);
    CHECK(!load_bytes(buf_str(&text)));
    CHECK(str_ends(buf_str(&errors), STR("\nvote.yaml:100: k99: is no known key, expected one like "
                                         "log\ntoo many mistakes: there may be more\n")));
    buf_free(&text);
}

TEST("a list longer than any may be is counted, not stored")
{
    struct buf text = {0};
    buf_printf(&text, "pools: {gateways: [");
    for (int i = 0; i < 1000; i++)
        buf_printf(&text, "ipc://a,");
    buf_printf(&text, "]}");
    CHECK(!load_bytes(buf_str(&text)));
    CHECK_STR(buf_str(&errors),
              "vote.yaml:1: pools.gateways: has 1000 items, expected at most 256\n");
    buf_free(&text);
}

TEST("a message shows a value from outside shortened and without control characters")
{
    CHECK_WRONG("gateway: {port: \"a\\eb\"}\n",
                "vote.yaml:1: gateway.port: holds a control character, expected printable text\n");
    CHECK_WRONG(
        "\"static_dir\\n\\e[31m\": 1\n",
        "vote.yaml:1: static_dir\\x0a\\x1b[31m: is no known key, expected one like static_dir\n");
    CHECK_WRONG(
        "log: {level: 投票投票投票投票投票投票投票投票投票投票投票投票}\n",
        "vote.yaml:1: log.level: \"投票投票投票投票投票投票投票投票…\" is unknown, expected "
        "one of debug, info, warn, error\n");
}

TEST("a file that is not there is a mistake, and so is none at all")
{
    CHECK(!load_args((struct config_args){.file = "missing.yaml"}));
    CHECK_STR(buf_str(&errors), "missing.yaml: file: No such file or directory, expected a file "
                                "that can be read\n");
    CHECK(!load_args((struct config_args){.file = "."}));
    CHECK_STR(buf_str(&errors), ".: file: Is a directory, expected a file that can be read\n");
}

TEST("an override beats the file, the file the default, and the last override the first")
{
    struct config_override overrides[] = {
        {"--port", "gateway.port", "9102"},
        {"--set", "gateway.port", "9103"},
        {"--set", "pools.gateways", "ipc://a,ipc://b"},
        {"--set", "databases.default.password", "#not: a [comment"},
        {"--set", "gateway.trusted_proxies", ""},
    };
    write_file("vote.yaml", STR("gateway: {port: 9101, slots: 2000}\n"));
    struct config *config = load_args((struct config_args){
        .file = "vote.yaml", .overrides = overrides, .override_count = 5, .secrets = true});
    CHECK_LOADED(config);
    CHECK_INT(config->gateway.port, 9103);
    CHECK_INT(config->gateway.slots, 2000);
    CHECK_INT(config->gateway.queue_limit, 1024);
    CHECK_INT(config->pools.gateways.count, 2);
    CHECK_INT(config->gateway.trusted_proxies.count, 0);
    CHECK_STR(str_from(config->database.password), "#not: a [comment");
    config_free(config);
}

TEST("a wrong override is told after the file, by the option's name")
{
    struct config_override overrides[] = {
        {"--port", "gateway.port", "x"},
        {"--set", "gateway.prot", "1"},
        {"--set", "site.name", "\xff"},
        {"--set", "databases.default.minsize", "11"},
    };
    write_file("vote.yaml", STR("gateway: {slots: 0}\n"));
    CHECK(!load_args(
        (struct config_args){.file = "vote.yaml", .overrides = overrides, .override_count = 4}));
    CHECK_STR(buf_str(&errors),
              "vote.yaml:1: gateway.slots: 0 is out of range, expected 1 to 1048576\n"
              "--port: gateway.port: \"x\" is not a whole number, expected 0 to 65535\n"
              "--set: gateway.prot: is no known key, expected one like gateway.port\n"
              "--set: site.name: is not valid UTF-8, expected UTF-8\n"
              "--set: databases.default.minsize: 11 does not fit databases.default.maxsize, "
              "expected at most 10\n");
}

TEST("a secret comes from the text, a file or the environment")
{
    struct config *config = load("databases: {default: {password: one}}\n");
    CHECK_LOADED(config);
    CHECK_STR(str_from(config->database.password), "one");
    CHECK_STR(str_from(config->cache.password), "");
    config_free(config);

    write_file("secret", STR("two words\n"));
    setenv("CONFIG_TEST_SECRET", "three", 1);
    config = load("databases: {default: {password_file: secret}}\n"
                  "caches: {default: {password_env: CONFIG_TEST_SECRET}}\n");
    CHECK_LOADED(config);
    CHECK_STR(str_from(config->database.password), "two words");
    CHECK_STR(str_from(config->cache.password), "three");
    config_free(config);
}

TEST("a secret that cannot be had is a mistake that does not tell it")
{
    write_file("secret", STR("line one\nline two\n"));
    unsetenv("CONFIG_TEST_NONE");
    CHECK_WRONG("databases:\n  default: {password_file: missing}\n"
                "caches:\n  default: {password_env: CONFIG_TEST_NONE}\n",
                "vote.yaml:2: databases.default.password_file: cannot be read (No such file or "
                "directory), expected a file that holds the secret\n"
                "vote.yaml:4: caches.default.password_env: the environment has no variable of "
                "this name, expected one with the secret\n");
    CHECK_WRONG("databases: {default: {password_file: secret}}\n",
                "vote.yaml:1: databases.default.password_file: holds more than a line of text, "
                "expected one, in UTF-8\n");
    CHECK_WRONG(
        "databases: {default: {password_file: /dev/null}}\n",
        "vote.yaml:1: databases.default.password_file: holds 0 bytes, expected 1 to 1024\n");
    CHECK_WRONG("databases: {default: {password: a, password_file: secret}}\n",
                "vote.yaml:1: databases.default.password_file: is one way too many, expected one "
                "of password, password_file and password_env\n");
    CHECK_WRONG("databases: {default: {password: \"hush\\n\"}}\n",
                "vote.yaml:1: databases.default.password: holds a control character, expected "
                "printable text\n");
}

TEST("a program without business in the database gets no secret and looks at no file")
{
    write_file("vote.yaml", STR("databases: {default: {password: one}}\n"
                                "caches: {default: {password_file: missing}}\n"));
    struct config *config = load_args((struct config_args){.file = "vote.yaml"});
    CHECK_LOADED(config);
    CHECK_STR(str_from(config->database.password), "");
    CHECK_STR(str_from(config->cache.password), "");
    config_free(config);
}

/* The text of config_print without the comments that tell where a value is from. */
static void printed(const struct config *config, bool comments, struct buf *out)
{
    struct buf text = {0};
    config_print(config, &text);
    struct str rest = buf_str(&text), line;
    while (str_cut(&rest, '\n', &line)) {
        const char *comment = comments ? NULL : memmem(line.data, line.size, " # ", 3);
        buf_add(out, line.data, comment ? (size_t)(comment - line.data) : line.size);
        buf_add_char(out, '\n');
    }
    buf_free(&text);
}

TEST("printing masks secrets, tells where a value is from, and loads as the same again")
{
    struct config *config = load("databases: {default: {password: hush}}\n"
                                 "site: {name: '\"\\ 🗳 ~'}\n"
                                 "log:\n  level: warn\n");
    CHECK_LOADED(config);
    struct buf first = {0}, second = {0}, full = {0};
    printed(config, true, &full);
    CHECK(!memmem(full.data, full.size, "hush", 4));
    CHECK(memmem(full.data, full.size, "password: \"***\" # vote.yaml:1\n", 30));
    CHECK(memmem(full.data, full.size, "  level: warn # vote.yaml:4\n", 28));
    CHECK(memmem(full.data, full.size, "\n  port: 9000\n", 14));
    printed(config, false, &first);
    config_free(config);
    config = load_bytes(buf_str(&full));
    CHECK_LOADED(config);
    CHECK_STR(str_from(config->site.name), "\"\\ 🗳 ~");
    CHECK_STR(str_from(config->database.password), "***");
    printed(config, false, &second);
    buf_add_char(&first, '\0');
    second.data[second.size] = '\0';
    CHECK_STR(buf_str(&second), first.data);
    config_free(config);
    buf_free(&full);
    buf_free(&first);
    buf_free(&second);
}

TEST("config/vote.yaml is valid, has every key, and each at its default")
{
    struct config *shipped =
        load_args((struct config_args){.file = PROJECT_DIR "/config/vote.yaml", .secrets = true});
    CHECK_LOADED(shipped);
    struct buf text = {0}, shown = {0}, defaults = {0};
    config_print(shipped, &text);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        char name[KEY_PATH + 4];
        snprintf(name, sizeof name, "%s: ", keys[i].name);
        CHECK(memmem(text.data, text.size, name, strlen(name)));
    }
    size_t from_file = 0;
    for (const char *at = text.data;
         (at = memmem(at, text.size - (size_t)(at - text.data), "/vote.yaml:", 11)); at++)
        from_file++;
    CHECK_INT(from_file, KEY_COUNT);
    printed(shipped, false, &shown);
    config_free(shipped);
    struct config *config = load("");
    CHECK_LOADED(config);
    printed(config, false, &defaults);
    config_free(config);
    CHECK(str_equal(buf_str(&shown), buf_str(&defaults)));
    buf_free(&text);
    buf_free(&shown);
    buf_free(&defaults);
}

TEST_MAIN
