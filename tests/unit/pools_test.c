/* Which pool gets the next request. */
#include "gateway/pools.h"
#include "tests/unit/test.h"

static struct pools pools;
static unsigned char next_peer;

static struct pool *add(const char *service, int64_t capacity)
{
    struct ready ready = {.pool_id = {{++next_peer}},
                          .service = str_from(service),
                          .threads = 2,
                          .capacity = capacity,
                          .host = STR("alpha"),
                          .pid = 42};
    return pools_add(&pools, (struct channel_peer){.size = 1, .bytes = {next_peer}}, &ready, 7);
}

static void clear(void)
{
    while (pools.first)
        pools_remove(&pools, pools.first);
}

static struct pool *pick(void)
{
    return pools_pick(&pools, SERVICE_DB, LANE_READ, false);
}

static struct pool *pick_pressed(void)
{
    return pools_pick(&pools, SERVICE_DB, LANE_READ, true);
}

TEST("a pool that said ready is found by its peer and its id; one of no service is not taken in")
{
    struct pool *pool = add("db", 4), *other = add("session", 4);
    CHECK_INT(pool->heard_us, 7);
    CHECK_STR(str_from(pool->host), "alpha");
    CHECK(pools_by_peer(&pools, pool->peer) == pool);
    CHECK(pools_by_id(&pools, other->id) == other);
    CHECK(!pools_by_id(&pools, (struct id){{99}}));
    CHECK(!add("gateway", 4));
    CHECK(!add("nothing", 4));
    CHECK_INT(pools_count(&pools, SERVICE_DB), 1);
    pools_remove(&pools, pool);
    CHECK(!pools_by_peer(&pools, (struct channel_peer){.size = 1, .bytes = {1}}));
    clear();
}

TEST("a host name that is too long is cut")
{
    char host[100];
    struct pool *pool = add("db", 4);
    memset(host, 'h', sizeof host);
    pool->draining = true;
    pool_renew(pool, &(struct ready){.host = str_make(host, sizeof host), .capacity = 9});
    CHECK_INT(strlen(pool->host), sizeof pool->host - 1);
    CHECK_INT(pool->capacity, 9);
    CHECK(!pool->draining);
    clear();
}

TEST("the pool with the least under way is asked, of its service, with credit left, not leaving")
{
    CHECK(!pick());
    struct pool *a = add("db", 2), *b = add("db", 2);
    add("session", 100);
    a->lanes[LANE_READ].in_flight = 1;
    CHECK(pick() == b);
    b->lanes[LANE_READ].in_flight = 2;
    CHECK(pick() == a);
    a->draining = true;
    CHECK(!pick());
    a->draining = false;
    a->lanes[LANE_READ].in_flight = 2;
    CHECK(!pick());
    CHECK(pools_pick(&pools, SERVICE_DB, LANE_WRITE, false));
    CHECK_INT(pools_count(&pools, SERVICE_DB), 2);
    clear();
}

TEST("a stuck pool is asked only if there is no other of its service that is not")
{
    struct pool *a = add("db", 2), *b = add("db", 2);
    a->lanes[LANE_READ].stuck = true;
    b->lanes[LANE_READ].in_flight = 1;
    CHECK(pick() == b);
    b->lanes[LANE_READ].in_flight = 2;
    CHECK(!pick()); /* better to wait for b's credit */
    CHECK(pools_other(&pools, a, LANE_READ));
    b->draining = true;
    CHECK(pick() == a);
    CHECK(!pools_other(&pools, a, LANE_READ));
    clear();
}

TEST("a pool much slower than the fastest gets one request at a time, so that its recovery is seen")
{
    struct pool *fast = add("db", 9), *slow = add("db", 9);
    pool_answered(fast, LANE_READ, 1000);
    pool_answered(slow, LANE_READ, POOL_SLOW_US + 10000);
    fast->lanes[LANE_READ].in_flight = 3;
    CHECK(pick() == slow);
    slow->lanes[LANE_READ].in_flight = 1;
    CHECK(pick() == fast);
    for (int i = 0; i < 100; i++)
        pool_answered(slow, LANE_READ, 1000);
    CHECK(pick() == slow);
    clear();
}

TEST("a slow pool is used in full where the others have no credit and somebody would be refused")
{
    struct pool *fast = add("db", 1), *slow = add("db", 2), *stuck = add("db", 9);
    pool_answered(fast, LANE_READ, 1000);
    pool_answered(slow, LANE_READ, POOL_SLOW_US + 10000);
    stuck->lanes[LANE_READ].stuck = true;
    slow->lanes[LANE_READ].in_flight = 1;
    CHECK(pick_pressed() == fast);
    fast->lanes[LANE_READ].in_flight = 1;
    CHECK(!pick());
    CHECK(pick_pressed() == slow);
    slow->lanes[LANE_READ].in_flight = 2;
    CHECK(!pick_pressed());
    clear();
}

TEST("what a pool says it holds already uses its credit, once")
{
    struct ready ready = {.pool_id = {{++next_peer}},
                          .service = STR("db"),
                          .capacity = 3,
                          .host = STR("alpha"),
                          .reads_held = 2,
                          .writes_held = 3};
    struct pool *pool =
        pools_add(&pools, (struct channel_peer){.size = 1, .bytes = {next_peer}}, &ready, 7);
    CHECK(pick() == pool);
    CHECK(!pools_pick(&pools, SERVICE_DB, LANE_WRITE, true));
    pool_renew(pool, &ready);
    CHECK_INT(pool->lanes[LANE_READ].in_flight, 2);
    clear();
}

TEST("what is slow but answers within a few milliseconds is not passed over")
{
    struct pool *fast = add("db", 9), *slow = add("db", 9);
    pool_answered(fast, LANE_READ, 100);
    pool_answered(slow, LANE_READ, POOL_SLOW_US - 1);
    fast->lanes[LANE_READ].in_flight = 3;
    slow->lanes[LANE_READ].in_flight = 1;
    CHECK(pick() == slow);
    clear();
}

TEST("an average moves an eighth of the way, and is never 0 once there is an answer")
{
    struct pool *pool = add("db", 1);
    pool_answered(pool, LANE_WRITE, 0);
    CHECK_INT(pool->lanes[LANE_WRITE].latency_us, 1);
    pool->lanes[LANE_WRITE].latency_us = 800;
    pool_answered(pool, LANE_WRITE, 1600);
    CHECK_INT(pool->lanes[LANE_WRITE].latency_us, 900);
    CHECK_INT(pool->lanes[LANE_READ].latency_us, 0);
    clear();
}

TEST_MAIN
