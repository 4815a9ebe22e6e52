"""Pools that die, fall silent, leave, come back, or are not who they say."""
import contextlib
import os
import signal

from tests.fixtures.dispatch_world import make_world, until, wait, world  # noqa: F401
from tests.fixtures.fake_pool import FakePool, pack


def held_by_one(pools):
    """(the pool that holds the one request there is, that request, the other pools)"""
    holders = [pool for pool in pools if pool.held()]
    assert len(holders) == 1
    return holders[0], holders[0].take(), [pool for pool in pools if pool is not holders[0]]


# ---- death -------------------------------------------------------------------------------------


def test_a_request_on_a_dead_pool_is_asked_of_another_with_the_same_id(world):
    call = None
    pools = [world.pool(), world.pool()]
    call = world.reads(1)[0]
    dead, first, (other,) = held_by_one(pools)
    dead.close()
    second = other.take()
    assert (first.attempt, second.attempt) == (1, 2)
    assert second.request_id == first.request_id
    assert second.body == first.body
    assert second.ttl_ms < first.ttl_ms
    other.answer(second)
    assert call.status() == 200
    assert (world.queue().retried, world.queue().lost) == (1, 0)


def test_a_vote_on_a_dead_pool_is_asked_again_with_the_id_of_its_vote(world):
    session, pools = world.pool("session"), [world.pool(), world.pool()]
    call = world.vote(session)
    world.until_asked("db", "write", 1)
    dead, first, (other,) = held_by_one(pools)
    dead.close()
    second = other.take("vote_cast")
    assert second.body["request_id"] == first.body["request_id"]
    other.answer(second)
    assert call.status() == 200


def test_the_time_a_request_spent_on_a_lost_pool_is_no_sign_of_a_long_queue(make_world):
    world = make_world(gateway__deadline_ms=5000)
    pools = [world.pool(capacity=1) for _ in range(2)]
    calls = world.reads(2)
    wait(1.2)
    pools[0].send(pack("bye", {}))
    pools[0].fence()
    calls += world.reads(1)
    assert world.queue().busy == 0
    world.serve_all(calls, pools[1])


def test_two_pools_dying_on_a_request_are_the_end_of_it(world):
    pools = [world.pool() for _ in range(3)]
    call = world.reads(1)[0]
    for _ in range(2):
        dead, _, pools = held_by_one(pools)
        dead.close()
        world.until_lost(dead)
    status, headers, _ = call.answer()
    assert (status, "Retry-After" in headers) == (503, True)
    assert not pools[0].held(), "a request that kills pools is not given a third"
    assert (world.queue().lost, world.queue().retried) == (1, 1)


def test_pools_that_die_together_take_only_their_requests_with_them(world):
    """The next pool in the list may be lost while the first one's requests are handed on."""
    pools = [world.pool() for _ in range(4)]
    calls = world.reads(8)
    for pool in pools[:3]:
        pool.close()
    until(lambda: len(world.status()["pools"]) == 1)
    world.settle(pools[3])
    answers = [call.status() for call in calls]
    assert set(answers) <= {200, 503}
    assert answers.count(200) == world.queue().answered >= 2


def test_a_new_request_finds_a_dead_connection_and_goes_elsewhere(world):
    pools = [world.pool(), world.pool()]
    pools[0].close()
    world.serve_all(world.reads(4), pools[1])
    assert world.queue().lost == 0


def test_a_silent_pool_loses_its_requests_to_another(make_world):
    world = make_world(pools__dead_ms=400)
    silent, other = world.pool(), world.pool()
    calls = world.reads(2)
    held = silent.take()
    other.answer(other.take())
    until(lambda: other.beat() or wait(0.05) or not world.pool_status(silent))
    moved = other.take()
    assert (moved.request_id, moved.attempt) == (held.request_id, 2)
    other.answer(moved)
    assert [call.status() for call in calls] == [200] * 2
    assert not world.process.wait_line("pool_lost").string.count("connection")


def test_a_pool_that_was_given_up_returns_by_itself(make_world):
    world = make_world(pools__dead_ms=400)
    pool = world.pool()
    call = world.reads(1)[0]
    held = pool.take()
    world.until_lost(pool)
    pool.answer(held)
    assert pool.take("who"), "it is asked who it is"
    pool.ready()
    again = pool.take()
    assert again.attempt == 2
    pool.answer(again)
    assert call.status() == 200
    assert world.queue().late == 0, "answers of strangers are nobody's"


def test_what_a_returning_pool_still_holds_uses_its_credit(make_world):
    world = make_world(pools__dead_ms=400)
    pool = world.pool(capacity=2)
    calls = world.reads(2)
    held = pool.take_all()
    world.until_lost(pool)
    pool.ready(reads_held=2)
    pool.beat()
    assert not pool.held(), "it has two already"
    pool.answer(held[0])
    again = pool.take()
    assert again.attempt == 2 and not pool.held()
    pool.answer(held[1])
    pool.answer(again)
    pool.serve(1)
    assert [call.status() for call in calls] == [200] * 2
    assert world.pool_status(pool)["reads_in_flight"] == 0


def test_a_silent_pool_is_asked_at_the_pace_of_its_own_heartbeat(world):
    """What it does not read gathers in its pipe."""
    pool = world.pool()  # says: every 500 ms
    pool.take("who")
    wait(2)
    asked = 0
    while (frame := pool.receive(0)):
        asked += frame.message == "who"
    assert 1 <= asked <= 5, asked


def test_a_pool_is_not_given_up_for_the_time_its_gateway_was_stopped(make_world):
    world = make_world(pools__dead_ms=500)
    pool = world.pool()
    call = world.reads(1)[0]
    request = pool.take()
    pool.beat()
    pool.fence()
    world.process.kill(signal.SIGSTOP)
    wait(0.8)
    world.process.kill(signal.SIGCONT)
    wait(0.2)
    pool.beat()
    pool.fence()
    pool.answer(request)
    assert call.status() == 200
    assert world.queue().retried == 0
    assert "pool_lost" not in world.process.log


def test_when_most_pools_die_at_once_only_the_budget_is_asked_again(make_world):
    world = make_world(gateway__queue_limit=5)
    doomed, survivor = world.pool(capacity=40), world.pool(capacity=1)
    calls = world.reads(41)
    doomed.close()
    world.until_lost(doomed)
    world.settle(survivor)
    answers = [call.status() for call in calls]
    assert (answers.count(200), answers.count(503)) == (1 + 5, 35), "queue_limit of them"
    assert (world.queue().retried, world.queue().lost) == (5, 35)


def test_the_budget_for_retries_grows_by_a_tenth_of_what_is_asked(make_world):
    world = make_world(gateway__queue_limit=5)
    survivor = world.pool(capacity=1)
    doomed = world.pool(capacity=40)
    calls = world.reads(41)
    doomed.close()
    world.until_lost(doomed)
    world.settle(survivor)
    assert [call.status() for call in calls].count(503) == 35
    for _ in range(30):
        world.serve_all(world.reads(1), survivor)
    doomed = world.pool(capacity=40)
    calls = world.reads(11)
    holds = len(doomed.held())
    doomed.close()
    world.until_lost(doomed)
    world.settle(survivor)
    answers = [call.status() for call in calls]
    assert answers.count(503) == holds - 4, "30 + 11 asked: 4 more"
    assert world.queue().retried == 5 + 4


# ---- late answers ------------------------------------------------------------------------------


def expired(make_world, **options):
    """A world, its pool, and a request that the pool holds though it is answered already."""
    world = make_world(gateway__deadline_ms=150)
    pool = world.pool(**options)
    call = world.reads(1)[0]
    request = pool.take()
    assert call.status() == 503
    return world, pool, request


def test_a_late_answer_is_counted_and_gives_its_credit_back(make_world):
    world, pool, request = expired(make_world, capacity=1)
    call = world.read()
    assert call.status() == 503, "the credit is still in use"
    assert world.pool_status(pool)["reads_in_flight"] == 1
    pool.answer(request)
    pool.fence()
    assert world.queue().late == 1
    assert world.pool_status(pool)["reads_in_flight"] == 0
    assert (world.queue().expired, world.queue().answered) == (2, 0)
    call = world.read()
    pool.serve(1)
    assert call.status() == 200


def test_an_answer_given_twice_is_late_the_second_time(world):
    pool = world.pool()
    calls = world.reads(3)
    first = pool.take()
    pool.answer(first)
    pool.answer(first)
    pool.fence()
    assert (world.queue().answered, world.queue().late) == (1, 1)
    world.serve_all(calls, pool)


def test_a_late_error_gives_its_credit_back_to_the_lane_it_was_taken_from(make_world):
    """An error does not say what it answers; its slot does."""
    world = make_world(gateway__deadline_ms=1500)
    session, pool = world.pool("session"), world.pool(capacity=4)
    vote = world.vote(session)
    late = pool.take("vote_cast")
    assert vote.status() == 503
    calls = world.reads(2)
    reads = pool.take_all()
    pool.answer(late, "UNAVAILABLE")
    pool.fence()
    row = world.pool_status(pool)
    assert (row["reads_in_flight"], row["writes_in_flight"]) == (2, 0)
    assert (world.queue("db", "read").late, world.queue("db", "write").late) == (0, 1)
    for request in reads:
        pool.answer(request)
    assert [call.status() for call in calls] == [200] * 2


def test_an_answer_of_another_pool_than_was_asked_is_late(world):
    asked, other = world.pool(), world.pool()
    call = world.reads(1)[0]
    holder, request, (thief,) = held_by_one([asked, other])
    thief.answer(request)
    thief.fence()
    assert (world.queue().answered, world.queue().late) == (0, 1)
    holder.answer(request)
    assert call.status() == 200


# ---- leaving -----------------------------------------------------------------------------------


def test_nothing_follows_drain_ok(world):
    leaving, other = world.pool(), world.pool()
    calls = world.reads(4)
    leaving.send(pack("drain", {}))
    calls += world.reads(4)
    leaving.take("drain_ok")
    before = len(leaving.held())
    calls += world.reads(4)
    assert len(leaving.held()) == before == 2
    assert world.pool_status(leaving)["draining"]
    for request in leaving.take_all():
        leaving.answer(request)
    leaving.send(pack("bye", {}))
    leaving.fence()
    assert not world.pool_status(leaving)
    world.serve_all(calls, other)
    assert world.queue().retried == 0


def test_a_pool_that_says_bye_too_early_loses_its_requests_to_another(world):
    pools = [world.pool(), world.pool()]
    call = world.reads(1)[0]
    leaving, _, (other,) = held_by_one(pools)
    leaving.send(pack("bye", {}))
    moved = other.take()
    assert moved.attempt == 2
    other.answer(moved)
    assert call.status() == 200


def test_what_a_leaving_pool_rejects_is_asked_of_another_and_costs_no_attempt(world):
    pools = [world.pool() for _ in range(3)]
    call = world.reads(1)[0]
    leaving, request, pools = held_by_one(pools)
    leaving.send(pack("drain", {}))
    leaving.answer(request, "REJECTED")
    dead, moved, pools = held_by_one(pools)
    assert moved.attempt == 1
    dead.close()
    last = pools[0].take()
    assert last.attempt == 2, "the pool that died on it was its first"
    pools[0].answer(last)
    assert call.status() == 200
    assert (world.queue().retried, world.queue().lost) == (1, 0)


def test_a_pool_that_rejects_and_does_not_leave_is_not_asked_for_ever(world):
    pool = world.pool()
    call = world.reads(1)[0]
    for attempt in (1, 2):
        request = pool.take()
        assert request.attempt == attempt
        pool.answer(request, "REJECTED")
    assert call.status() == 503
    assert not pool.held()
    assert (world.queue().retried, world.queue().lost) == (1, 1)


def test_rejected_requests_keep_their_order(world):
    leaving = world.pool(capacity=3)
    calls = []
    for question in (1, 2, 3):
        calls.append(world.read(question))
        world.until_asked("db", "read", question)
    requests = leaving.take_all()
    leaving.send(pack("drain", {}))
    for request in reversed(requests):
        leaving.answer(request, "REJECTED")
    leaving.fence()
    other = world.pool()
    assert [request.body["question_id"] for request in other.serve(3)] == [1, 2, 3]
    assert [call.status() for call in calls] == [200] * 3


# ---- who is who --------------------------------------------------------------------------------


def test_of_two_pools_with_one_id_the_first_is_believed(world):
    first = world.pool()
    second = world.pool(pool_id=first.pool_id)
    assert world.status()["pools_refused"] == 1
    second.beat()
    second.take("who")
    assert len(world.status()["pools"]) == 1
    call = world.reads(1)[0]
    assert not second.held()
    world.serve_all([call], first)


def test_a_pool_that_connects_anew_is_believed_and_its_requests_are_asked_again(world):
    """Once its earlier connection is seen to be gone; until then it looks like another."""
    earlier = world.pool()
    call = world.reads(1)[0]
    earlier.take()
    earlier.close()
    anew = world.pool(pool_id=earlier.pool_id)
    until(lambda: anew.ready() or anew.held())
    request = anew.take()
    assert request.attempt == 2
    anew.answer(request)
    assert call.status() == 200


def test_a_connection_that_takes_another_id_is_another_pool(world):
    pool, other = world.pool(), world.pool()
    calls = world.reads(2)
    pool.take()
    pool.ready(pool_id=os.urandom(16).hex())
    pool.fence()
    assert [request.attempt for request in other.held()] == [1, 2]
    world.settle(other)
    assert [call.status() for call in calls] == [200] * 2


# ---- real pools --------------------------------------------------------------------------------


@contextlib.contextmanager
def real_pool(world, process, *options):
    """A password pool: the one that needs no server behind it."""
    directory = world.settings["gateway.ipc_dir"]
    pool = process("vote-worker", "--gateway", f"ipc://{directory}/gateway-*.ipc",
                   "--set", "pools.heartbeat_ms=50", "--set", "password.memlimit=8192",
                   "--set", "password.opslimit=1", "--threads", "2", *options, "password")
    if not world.pools_of("session"):
        world.pool_thread("session")
    until(lambda: any(row["pid"] == pool.pid for row in world.pools_of("password")))
    yield pool
    pool.stop()


def is_served(world):
    return world.log_in().answer()[2]["error_code"] == 20004


def test_a_real_pool_that_was_stopped_comes_back_and_does_no_harm(make_world, process):
    world = make_world(pools__dead_ms=500)
    with real_pool(world, process) as pool:
        assert is_served(world)
        pool.kill(signal.SIGSTOP)
        call = world.log_in()
        world.until_asked("password", "read", 2)
        until(lambda: not world.pools_of("password"))
        other = world.pool("password")
        moved = other.take()
        assert moved.attempt == 2
        other.answer(moved, "PASSWORD_MISMATCH")
        assert call.answer()[2]["error_code"] == 20004
        other.close()
        pool.kill(signal.SIGCONT)
        until(lambda: any(row["pid"] == pool.pid for row in world.pools_of("password")))
        world.until_lost(other)
        assert is_served(world)
        assert world.queue("password").answered == 3


def test_real_pools_find_a_restarted_gateway_by_themselves(make_world, process):
    world = make_world()
    with real_pool(world, process) as pool:
        assert is_served(world)
        world.check()
        world.restart()
        until(lambda: world.pools_of("password") and world.pools_of("session"))
        assert is_served(world)
        assert pool.log.count("gateway_joined") == 2


def test_a_real_pool_that_leaves_under_load_fails_no_request(make_world, process):
    world = make_world()
    with real_pool(world, process), real_pool(world, process) as leaving:
        calls = [world.log_in() for _ in range(60)]
        leaving.stop()
        calls += [world.log_in() for _ in range(20)]
        assert {call.answer()[2]["error_code"] for call in calls} == {20004}
        assert world.queue("password").retried == 0
