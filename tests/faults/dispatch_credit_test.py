"""Who gets the next request, and who is refused: credit, queues, slow and stuck pools."""
from tests.fixtures.dispatch_world import make_world, until, wait, world  # noqa: F401
from tests.fixtures.fake_pool import pack

STUCK_MS = 600001  # over the dead_ms of these worlds


def shares(*pools):
    """How many requests each pool holds; the requests stay where they are."""
    return [len(pool.held()) for pool in pools]


# ---- credit ------------------------------------------------------------------------------------


def test_a_lane_never_holds_more_than_its_credit(world):
    pool = world.pool(capacity=3)
    calls = world.reads(5)
    assert shares(pool) == [3]
    assert (world.queue().in_flight, world.queue().queued) == (3, 2)
    for given_back in range(1, 3):
        pool.answer(pool.take())
        pool.fence()
        assert world.queue().in_flight == 3
        assert world.queue().answered == given_back
    pool.serve(3)
    assert [call.status() for call in calls] == [200] * 5


def test_waiting_requests_go_in_the_order_they_came(world):
    pool = world.pool(capacity=1)
    calls = []
    for question in range(1, 6):
        calls.append(world.read(question))
        world.until_asked("db", "read", question)
    assert [request.body["question_id"] for request in pool.serve(5)] == [1, 2, 3, 4, 5]
    assert [call.status() for call in calls] == [200] * 5


def test_an_answer_gives_back_the_credit_it_says_and_no_more_than_was_taken(world):
    pool = world.pool(capacity=4)
    calls = world.reads(6)
    requests = pool.take_all()
    pool.answer(requests[0], credit=0)
    assert shares(pool) == [0], "no credit came back, none may be spent"
    pool.answer(requests[1], credit=2)
    assert shares(pool) == [2]
    for request in requests[2:]:
        pool.answer(request, credit=65535)
    pool.serve(2)
    assert [call.status() for call in calls] == [200] * 6
    assert world.pool_status(pool)["reads_in_flight"] == 0


def test_the_pool_with_the_least_in_flight_is_asked(world):
    first, second, third = (world.pool() for _ in range(3))
    calls = world.reads(9)
    assert shares(first, second, third) == [3, 3, 3]
    for request in second.take_all():
        second.answer(request)
    second.fence()
    calls += world.reads(2)
    assert shares(first, second, third) == [3, 2, 3]
    for pool in (first, second, third):
        for request in pool.take_all():
            pool.answer(request)
    assert [call.status() for call in calls] == [200] * 11


def test_reads_without_credit_leave_votes_their_own(world):
    session, pool = world.pool("session"), world.pool(capacity=2)
    reads = world.reads(6)
    vote = world.vote(session)
    request = pool.take("vote_cast")
    pool.answer(request)
    assert vote.status() == 200
    assert world.queue("db", "read").queued == 4
    world.serve_all(reads, pool)


def test_log_ins_without_credit_leave_reads_alone(world):
    session, password, pool = (world.pool("session"), world.pool("password", capacity=1),
                               world.pool())
    log_ins = [world.log_in(session) for _ in range(5)]
    world.until_asked("password", "read", 5)
    read = world.read()
    pool.serve(1)
    assert read.status() == 200
    for _ in log_ins:
        password.answer(password.take(), "PASSWORD_MISMATCH")
    assert [log_in.answer()[2]["error_code"] for log_in in log_ins] == [20004] * 5


def test_a_pool_that_says_ready_again_may_change_its_credit(world):
    pool = world.pool(capacity=1)
    calls = world.reads(3)
    assert shares(pool) == [1]
    pool.ready(capacity=3)
    pool.beat()
    assert shares(pool) == [3]
    world.serve_all(calls, pool)


# ---- refusals ----------------------------------------------------------------------------------


def test_a_full_queue_is_answered_503_at_once_and_says_when_to_come_back(make_world):
    world = make_world(gateway__queue_limit=4)
    pool = world.pool(capacity=1)
    waiting = world.reads(5)
    refused = world.read()
    status, headers, body = refused.answer()
    assert (status, body["error_code"]) == (503, 20011)
    assert headers["Retry-After"] in ("1", "2", "3")
    queue = world.queue()
    assert (queue.busy, queue.queued, queue.in_flight) == (1, 4, 1), "nothing else moved meanwhile"
    print(f"refused in {refused.took_s * 1000:.1f} ms")
    assert refused.took_s < 2
    world.serve_all(waiting, pool)


def test_those_refused_together_are_not_told_to_come_back_together(make_world):
    world = make_world(gateway__queue_limit=1)
    pool = world.pool(capacity=1)
    waiting = world.reads(2)
    told = {world.read().answer()[1]["Retry-After"] for _ in range(40)}
    assert told == {"1", "2", "3"}
    world.serve_all(waiting, pool)


def test_the_queue_of_one_lane_is_not_that_of_another(make_world):
    world = make_world(gateway__queue_limit=1)
    session, pool = world.pool("session"), world.pool(capacity=1)
    reads = world.reads(2)
    votes = [world.vote(session), world.vote(session)]
    world.until_asked("db", "write", 2)
    assert world.read().status() == 503
    assert world.queue("db", "write").busy == 0
    world.serve_all(reads + votes, pool)


def test_a_vote_that_would_be_refused_costs_no_session_read(make_world):
    world = make_world(gateway__queue_limit=1)
    session, pool = world.pool("session"), world.pool(capacity=1)
    votes = [world.vote(session), world.vote(session)]
    world.until_asked("db", "write", 2)
    before = world.queue("session")
    refused = world.call("POST", "/questions/1/vote", form="choice_id=1", cookie="a" * 64)
    status, headers, body = refused.answer()
    assert (status, body["error_code"], "Retry-After" in headers) == (503, 20011, True)
    assert world.queue("session").asked == before.asked
    assert world.queue("db", "write").busy == 1
    world.serve_all(votes, pool)


def test_what_would_wait_too_long_is_refused_though_the_queue_has_room(make_world):
    world = make_world(gateway__deadline_ms=5000)
    pool = world.pool(capacity=1)
    calls = world.reads(10)
    wait(0.6)  # the first in the queue waits for more than a tenth of the time there is
    assert world.read().status() == 503
    assert world.queue().queued == 9, "the queue had room"
    world.serve_all(calls, pool)
    late = world.reads(1)  # nothing is held against those who come when the crowd has gone
    world.serve_all(late, pool)


def test_a_burst_after_quiet_times_waits_its_turn(make_world):
    """What was answered while little was asked says nothing of what can be answered."""
    world = make_world(gateway__deadline_ms=5000)
    pool = world.pool(capacity=2)
    world.serve_all(world.reads(1), pool)
    wait(1.5)
    calls = world.reads(60)
    assert world.queue().busy == 0
    world.serve_all(calls, pool)


# ---- no pool at all ----------------------------------------------------------------------------


def test_without_a_pool_requests_wait_for_one_at_first(world):
    calls = world.reads(3)
    pool = world.pool()
    pool.serve(3)
    assert [call.status() for call in calls] == [200] * 3


def test_without_a_pool_nothing_waits_longer_than_the_rejoin_time(world):
    call = world.read()
    assert call.status() == 503
    print(f"refused after {call.took_s * 1000:.0f} ms; the rejoin time is 2000")
    assert call.took_s < 3.5
    again = world.read()
    assert again.status() == 503
    assert again.took_s < 1, "by now it is known that there is nobody"
    assert world.queue().busy == 2


def test_the_last_pool_may_leave_and_another_come_without_a_refusal(world):
    first = world.pool()
    first.send(pack("drain", {}))
    first.take("drain_ok")
    first.send(pack("bye", {}))
    first.fence()
    calls = world.reads(3)
    second = world.pool()
    world.serve_all(calls, second)
    assert world.queue().busy == 0


# ---- slow --------------------------------------------------------------------------------------


def make_slow(world, fast, slow):
    """Both have answered: the fast one at once, the slow one late."""
    calls = world.reads(2)
    fast.serve(1)
    wait(0.2)
    slow.serve(1)
    assert [call.status() for call in calls] == [200] * 2


def test_a_slow_pool_gets_one_request_at_a_time(world):
    fast, slow = world.pool(), world.pool()
    make_slow(world, fast, slow)
    calls = world.reads(10)
    assert shares(fast, slow) == [9, 1]
    world.serve_all(calls, fast, slow)


def test_a_slow_pool_takes_more_rather_than_that_somebody_is_refused(make_world):
    world = make_world(gateway__queue_limit=2)
    fast, slow = world.pool(capacity=2), world.pool(capacity=3)
    make_slow(world, fast, slow)
    calls = world.reads(4)
    assert shares(fast, slow) == [2, 1]
    assert world.queue().queued == 1, "there is room, and the fast one will be free soon"
    calls += world.reads(3)
    assert shares(fast, slow) == [2, 3]
    assert (world.queue().queued, world.queue().busy) == (2, 0)
    assert world.read().status() == 503, "now everything is full"
    world.serve_all(calls, fast, slow)


def test_what_has_waited_long_goes_to_a_slow_pool(make_world):
    world = make_world(gateway__deadline_ms=5000)
    fast, slow = world.pool(capacity=1), world.pool(capacity=2)
    make_slow(world, fast, slow)
    calls = world.reads(3)
    assert shares(fast, slow) == [1, 1]
    until(lambda: shares(slow) == [2])
    assert calls[2].age_s > 0.4, "a tenth of its time"
    world.serve_all(calls, fast, slow)


def test_a_slow_pool_is_used_in_full_while_the_fast_one_is_stuck(world):
    """How fast it once was says nothing of now."""
    fast, slow = world.pool(), world.pool()
    make_slow(world, fast, slow)
    fast.beat(read_ms=STUCK_MS)
    fast.fence()
    calls = world.reads(10)
    assert shares(fast, slow) == [0, 10]
    world.serve_all(calls, slow)


def test_a_slow_pool_that_has_recovered_gets_its_share_again(world):
    fast, slow = world.pool(), world.pool()
    make_slow(world, fast, slow)
    for _ in range(40):
        calls = world.reads(2)
        fast.serve(1)
        slow.serve(1)
        assert [call.status() for call in calls] == [200] * 2
    calls = world.reads(10)
    assert shares(fast, slow) == [5, 5]
    world.serve_all(calls, fast, slow)


def test_a_slow_pool_alone_is_used_in_full(world):
    fast, slow = world.pool(), world.pool()
    make_slow(world, fast, slow)
    fast.close()
    world.until_lost(fast)
    calls = world.reads(10)
    assert shares(slow) == [10]
    world.serve_all(calls, slow)


def test_slow_reads_do_not_make_a_pool_slow_for_votes(world):
    session, fast, slow = world.pool("session"), world.pool(), world.pool()
    make_slow(world, fast, slow)
    votes = [world.vote(session) for _ in range(4)]
    world.until_asked("db", "write", 4)
    assert shares(fast, slow) == [2, 2]
    world.serve_all(votes, fast, slow)


# ---- stuck -------------------------------------------------------------------------------------


def test_a_stuck_pool_gets_nothing_new_and_gets_work_again_when_it_recovers(world):
    good, stuck = world.pool(), world.pool()
    stuck.beat(read_ms=STUCK_MS)
    stuck.fence()
    assert world.pool_status(stuck)["stuck"]
    calls = world.reads(6)
    assert shares(good, stuck) == [6, 0]
    world.serve_all(calls, good)
    stuck.beat(read_ms=0)
    stuck.fence()
    assert not world.pool_status(stuck)["stuck"]
    calls = world.reads(6)
    assert shares(good, stuck) == [3, 3]
    world.serve_all(calls, good, stuck)


def test_a_stuck_pool_waits_even_while_the_others_have_no_credit(world):
    good, stuck = world.pool(capacity=1), world.pool()
    stuck.beat(read_ms=STUCK_MS)
    stuck.fence()
    calls = world.reads(4)
    assert shares(good, stuck) == [1, 0]
    world.serve_all(calls, good)


def test_a_pool_is_stuck_for_its_lane_alone(world):
    session, good, stuck = world.pool("session"), world.pool(), world.pool()
    stuck.beat(read_ms=STUCK_MS, write_ms=0)
    stuck.fence()
    votes = [world.vote(session) for _ in range(4)]
    world.until_asked("db", "write", 4)
    assert shares(good, stuck) == [2, 2]
    world.serve_all(votes, good, stuck)


def test_a_stuck_pool_alone_is_still_used(world):
    pool = world.pool()
    pool.beat(read_ms=STUCK_MS)
    calls = world.reads(2)
    world.serve_all(calls, pool)


def test_stuck_pools_share_when_all_are_stuck(world):
    pools = [world.pool(), world.pool()]
    for pool in pools:
        pool.beat(read_ms=STUCK_MS)
        pool.fence()
    calls = world.reads(6)
    assert shares(*pools) == [3, 3]
    world.serve_all(calls, *pools)


def test_what_a_stuck_pool_holds_too_long_is_asked_of_another(make_world):
    world = make_world(pools__dead_ms=300)
    stuck, good = world.pool(), world.pool()
    calls = world.reads(2)
    held = stuck.take()
    until(lambda: stuck.beat() or good.beat() or wait(0.05) or calls[0].age_s > 0.4)
    stuck.beat(read_ms=400)
    good.beat()
    moved = {request.request_id: request for request in good.take_all()}
    assert moved[held.request_id].attempt == 2
    assert [moved[id].attempt for id in moved if id != held.request_id] == [1]
    for request in moved.values():
        good.answer(request)
    assert [call.status() for call in calls] == [200] * 2
    stuck.answer(held)
    stuck.fence()
    assert (world.queue().late, world.queue().retried) == (1, 1)
    assert world.pool_status(stuck)["reads_in_flight"] == 0
