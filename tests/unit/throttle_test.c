#include "gateway/throttle.h"
#include "tests/unit/test.h"

enum { SECOND = 1000000, MINUTE = 60 * SECOND };

/* What config/vote.yaml says unless somebody changes it. */
enum {
#define INT(section, name, standard, min, max, help) DEFAULT_##section##_##name = (standard),
#include "proto/config/keys.def"
};

static const int64_t start = 1000 * (int64_t)MINUTE;

static int64_t take(struct throttle *throttle, int64_t account, int64_t per_minute, int64_t now_us)
{
    return throttle_take(throttle, THROTTLE_VOTES_ACCOUNT, &account, sizeof account, per_minute,
                         now_us);
}

static int taken(struct throttle *throttle, int64_t account, int64_t per_minute, int64_t now_us)
{
    int count = 0;
    while (count < 1000000 && take(throttle, account, per_minute, now_us) == 0)
        count++;
    return count;
}

TEST("a minute's worth may come at once, and then one whenever its share of the minute is over")
{
    struct throttle *throttle = throttle_new(64, 1);
    CHECK_INT(taken(throttle, 7, 60, start), 60);
    CHECK_INT(taken(throttle, 7, 60, start + SECOND - 1), 0);
    CHECK_INT(taken(throttle, 7, 60, start + SECOND), 1);
    CHECK_INT(taken(throttle, 7, 60, start + 11 * SECOND), 10);
    CHECK_INT(taken(throttle, 7, 60, start + 10 * (int64_t)MINUTE), 60);
    throttle_free(throttle);
}

TEST("who is refused is told exactly how long, and asking again changes nothing")
{
    struct throttle *throttle = throttle_new(64, 1);
    CHECK_INT(taken(throttle, 7, 6, start), 6);
    for (int i = 0; i < 100; i++)
        CHECK_INT(take(throttle, 7, 6, start + SECOND), 9 * SECOND);
    CHECK_INT(take(throttle, 7, 6, start + 10 * SECOND - 1), 1);
    CHECK_INT(take(throttle, 7, 6, start + 10 * SECOND), 0);
    throttle_free(throttle);
}

TEST("over any time nobody gets more than a minute's worth and the rate")
{
    struct throttle *throttle = throttle_new(64, 1);
    int64_t count = 0, now = start;
    uint32_t random = 1;
    for (int i = 0; i < 20000; i++) {
        random = random * 1664525 + 1013904223;
        now += random % 100000;
        count += take(throttle, 7, 300, now) == 0;
    }
    int64_t most = 300 + 300 * (now - start) / MINUTE;
    CHECK(count <= most);
    CHECK(count >= most - 2);
    throttle_free(throttle);
}

TEST("accounts and kinds have buckets of their own")
{
    struct throttle *throttle = throttle_new(1024, 99);
    int64_t key = 1;
    CHECK_INT(taken(throttle, 1, 5, start), 5);
    CHECK_INT(taken(throttle, 2, 5, start), 5);
    for (int kind = THROTTLE_VOTES_ADDRESS; kind <= THROTTLE_READS_ADDRESS; kind++)
        CHECK_INT(throttle_take(throttle, (enum throttle_kind)kind, &key, sizeof key, 5, start), 0);
    CHECK(take(throttle, 1, 5, start) > 0);
    throttle_free(throttle);
}

TEST("a limit of zero is none, and the highest one works")
{
    struct throttle *throttle = throttle_new(8, 1);
    CHECK_INT(taken(throttle, 7, 0, start), 1000000);
    CHECK_INT(taken(throttle, 8, 1000000, start), 1000000);
    CHECK_INT(taken(throttle, 9, 1, start), 1);
    CHECK_INT(take(throttle, 9, 1, start + MINUTE), 0);
    throttle_free(throttle);
}

TEST("a full table forgets those who are quiet before those who are at their limit")
{
    struct throttle *throttle = throttle_new(8, 5);
    CHECK_INT(taken(throttle, 1, 10, start), 10);
    for (int64_t account = 100; account < 1000; account++)
        CHECK_INT(take(throttle, account, 10, start), 0);
    CHECK(take(throttle, 1, 10, start) > 0);
    throttle_free(throttle);
}

TEST("a table of any size works, the smallest too")
{
    for (size_t buckets = 0; buckets < 40; buckets++) {
        struct throttle *throttle = throttle_new(buckets, buckets);
        CHECK_INT(taken(throttle, 1, 3, start), 3);
        throttle_free(throttle);
    }
}

/* Of so many people behind one address, each does it so often within ten seconds. Returns how many
 * times one of them was refused. */
static int refused_in_class(int people, int times, enum throttle_kind account, int64_t of_account,
                            enum throttle_kind address, int64_t of_address)
{
    struct throttle *throttle = throttle_new(DEFAULT_throttle_table, 1);
    char school[16] = "a class";
    int refused = 0;
    for (int i = 0; i < people * times; i++) {
        int64_t now_us = start + 10 * (int64_t)SECOND * i / (people * times), person = i % people;
        refused += throttle_take(throttle, address, school, sizeof school, of_address, now_us) ||
                   throttle_take(throttle, account, &person, sizeof person, of_account, now_us);
    }
    throttle_free(throttle);
    return refused;
}

static int votes_refused(int people, int times)
{
    return refused_in_class(people, times, THROTTLE_VOTES_ACCOUNT, DEFAULT_throttle_votes_account,
                            THROTTLE_VOTES_ADDRESS, DEFAULT_throttle_votes_address);
}

static int reads_refused(int people, int times)
{
    return refused_in_class(people, times, THROTTLE_READS_ACCOUNT, DEFAULT_throttle_reads_account,
                            THROTTLE_READS_ADDRESS, DEFAULT_throttle_reads_address);
}

TEST("by default a thousand people behind one address are not stopped, and a machine is")
{
    CHECK_INT(votes_refused(1000, 5), 0);
    CHECK_INT(reads_refused(1000, 50), 0);
    CHECK(votes_refused(1, 10000) > 9000);
    CHECK(votes_refused(10000, 10) > 90000);
    CHECK(reads_refused(1, 100000) > 90000);
    CHECK(reads_refused(10000, 100) > 900000);
}

TEST_MAIN
