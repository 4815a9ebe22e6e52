#include "tests/unit/test.h"
#include "workers/password_hash.h"

enum { OPS = 1, MEMORY = 8192 }; /* the least there is */

static void make(struct str password, uint64_t ops, size_t memory, char out[PASSWORD_HASH_SIZE])
{
    CHECK(password_hash_make(password, ops, memory, out));
}

TEST("a password is known by its hash, and no other is")
{
    char hash[PASSWORD_HASH_SIZE], again[PASSWORD_HASH_SIZE];
    make(STR("correct horse"), OPS, MEMORY, hash);
    make(STR("correct horse"), OPS, MEMORY, again);
    CHECK(str_starts(str_from(hash), STR("$argon2id$v=19$m=8,t=1,p=1$")));
    CHECK(strcmp(hash, again) != 0); /* salted */
    CHECK(password_hash_verify(str_from(hash), STR("correct horse")));
    CHECK(!password_hash_verify(str_from(hash), STR("correct hors")));
    CHECK(!password_hash_verify(str_from(hash), STR("")));
}

TEST("every byte of a password counts, a NUL and what follows it too")
{
    char hash[PASSWORD_HASH_SIZE];
    make(str_make("a\0b", 3), OPS, MEMORY, hash);
    CHECK(password_hash_verify(str_from(hash), str_make("a\0b", 3)));
    CHECK(!password_hash_verify(str_from(hash), str_make("a\0c", 3)));
    CHECK(!password_hash_verify(str_from(hash), STR("a")));
}

TEST("what is no hash string is not valid and verifies nothing")
{
    char long_one[200];
    memset(long_one, 'x', sizeof long_one);
    struct str bad[] = {STR(""),
                        STR("x"),
                        STR("correct horse"),
                        STR("$argon2id$"),
                        str_make(long_one, 127),
                        str_make(long_one, 128),
                        str_make(long_one, 200),
                        str_make("$argon2id$v=19$m=8,t=1,p=1$\0", 28)};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(!password_hash_is_valid(bad[i]));
        CHECK(!password_hash_verify(bad[i], STR("x")));
    }
}

TEST("a hash is weaker with less memory or fewer passes, and not with more")
{
    char hash[PASSWORD_HASH_SIZE];
    make(STR("x"), 2, 2 * MEMORY, hash);
    struct str text = str_from(hash);
    CHECK(password_hash_is_valid(text));
    CHECK(!password_hash_is_weaker(text, 2, 2 * MEMORY));
    CHECK(!password_hash_is_weaker(text, 1, MEMORY));
    CHECK(password_hash_is_weaker(text, 3, 2 * MEMORY));
    CHECK(password_hash_is_weaker(text, 2, 3 * MEMORY));
    CHECK(password_hash_is_weaker(STR("$2b$12$abc"), OPS, MEMORY));
}

TEST("memory that is not to be had is an answer, not the end")
{
    char hash[PASSWORD_HASH_SIZE];
    CHECK(!password_hash_make(STR("x"), OPS, (size_t)1 << 50, hash));
}

TEST("a wiped secret is zero")
{
    char secret[] = "correct horse";
    password_wipe(str_make(secret, sizeof secret));
    for (size_t i = 0; i < sizeof secret; i++)
        CHECK_INT(secret[i], 0);
    password_wipe(str_make(NULL, 0));
}

TEST_MAIN
