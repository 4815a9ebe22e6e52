#include "gateway/common_passwords.h"
#include "proto/account.h"
#include "tests/unit/test.h"

#include <errno.h>

static bool has(const struct common_passwords *passwords, const char *password)
{
    return common_passwords_has(passwords, str_from(password));
}

TEST("the list of the project refuses what everybody tries, in any case")
{
    struct common_passwords *list = common_passwords_load(PROJECT_DIR "/data/common_passwords.txt");
    CHECK(list);
    CHECK(has(list, "password") && has(list, "PassWord") && has(list, "12345678"));
    CHECK(has(list, "QWERTYUIOP") && has(list, "woaini1314") && has(list, "!@#$%^&*"));
    CHECK(!has(list, "correct horse battery") && !has(list, "") && !has(list, "passwor"));
    CHECK(!has(list, "password ") && !has(list, "passwordd"));
    CHECK(!has(list, "# Passwords that everybody tries first; nobody may register with one of them,"
                     " in any case."));
    CHECK(!common_passwords_has(list, str_make("password\0", 9)));
    common_passwords_free(list);
}

TEST("every line of it is found, is one that could be chosen, and stands there once")
{
    struct common_passwords *list = common_passwords_load(PROJECT_DIR "/data/common_passwords.txt");
    FILE *file = fopen(PROJECT_DIR "/data/common_passwords.txt", "r");
    char line[256], last[256] = "";
    int count = 0;
    CHECK(list && file);
    while (fgets(line, sizeof line, file)) {
        struct str text = str_trim(str_from(line), "\n");
        if (line[0] == '#')
            continue;
        CHECK(common_passwords_has(list, text));
        CHECK_INT(account_password(text), ACCOUNT_GOOD);
        if (strcmp(last, line) >= 0)
            TEST_FAIL("%s does not come after %s", line, last);
        memcpy(last, line, sizeof last);
        count++;
    }
    CHECK(count > 500 && count <= 1000);
    fclose(file);
    common_passwords_free(list);
}

TEST("without a file there is none, and a file that is not there is an error")
{
    struct common_passwords *list = common_passwords_load("");
    CHECK(list);
    CHECK(!has(list, "password") && !has(list, ""));
    common_passwords_free(list);
    CHECK(!common_passwords_load("/nowhere/at/all"));
    CHECK_INT(errno, ENOENT);
    CHECK(!common_passwords_load("/"));
    CHECK_INT(errno, EISDIR);
    common_passwords_free(NULL);
}

TEST_MAIN
