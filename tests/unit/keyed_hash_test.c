#include "tests/unit/test.h"
#include "workers/keyed_hash.h"

static struct str hash(const char *secret, const char *first, const char *second)
{
    static char out[4][KEYED_HASH_TEXT + 1];
    static int next;
    const struct str parts[] = {str_from(first), str_from(second)};
    return str_from(keyed_hash(str_from(secret), parts, 2, out[next++ % 4]));
}

TEST("a hash is the same for the same parts and another for any other")
{
    CHECK(str_equal(hash("s", "a", "b"), hash("s", "a", "b")));
    CHECK(!str_equal(hash("s", "a", "b"), hash("t", "a", "b")));
    CHECK(!str_equal(hash("s", "ab", "c"), hash("s", "a", "bc")));
    CHECK(!str_equal(hash("s", "", "a"), hash("s", "a", "")));
    CHECK(!str_equal(hash("", "a", "b"), hash("s", "a", "b")));
    CHECK_INT(hash("s", "a", "b").size, KEYED_HASH_TEXT);
}

TEST("it is BLAKE2b of the parts with their lengths, keyed by BLAKE2b of the secret")
{
    /* Python: hashlib.blake2b(b"".join(len(p).to_bytes(8, "little") + p for p in parts),
     * digest_size=16, key=hashlib.blake2b(secret, digest_size=32).digest()).hexdigest() */
    CHECK_STR(hash("secret", "login", "192.0.2.1"), "3f2d881380f194ad9e311e95a058b882");
}

TEST_MAIN
