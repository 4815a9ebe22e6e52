"""The same read, asked by several at one time, is asked of a pool once; nobody gets an answer that is
older than the question."""
import pytest

from tests.fixtures.dispatch_world import make_world, until, wait  # noqa: F401
from tests.fixtures.fake_pool import pack

OLD, NEW = ({"choices": [{"id": 1, "delete_flag": 0, "choice_text": text, "votes": 1, "question_id": 1,
                          "create_time": "2018-04-15 19:47:16"}]} for text in ("old", "new"))


@pytest.fixture
def world(make_world):  # noqa: F811
    return make_world(gateway__share_reads="true")


def text(call):
    status, _, body = call.answer()
    assert status == 200
    return body[0]["choice_text"]


def test_reads_that_wait_together_are_asked_once(world):
    pool = world.pool(capacity=1)
    calls = world.reads(1)
    other = world.read(2)
    world.until_asked("db", "read", 2)
    calls += [world.read(3) for _ in range(5)]
    world.until_asked("db", "read", 7)
    assert [request.body["question_id"] for request in pool.serve(3)] == [1, 2, 3]
    assert [call.status() for call in [*calls, other]] == [200] * 7
    assert world.queue().answered == 7


def test_a_read_never_gets_the_answer_to_one_that_was_sent_before_it(world):
    pool = world.pool()
    first = world.reads(1)[0]
    sent = pool.take()
    later = world.reads(3)
    pool.answer(sent, body=OLD)
    again = pool.take()
    pool.answer(again, body=NEW)
    assert text(first) == "old"
    assert {text(call) for call in later} == {"new"}
    assert not pool.held(), "the three shared one"


def test_a_read_does_not_wait_long_for_the_same_read_before_it(world):
    pool = world.pool()
    first = world.reads(1)[0]
    held = pool.take()
    second = world.reads(1)[0]
    pool.answer(pool.take(), body=NEW)
    assert text(second) == "new"
    pool.answer(held, body=OLD)
    assert text(first) == "old"


def test_votes_and_passwords_are_each_their_own(world):
    session, pool, password = world.pool("session"), world.pool(), world.pool("password")
    votes = [world.vote(session) for _ in range(2)]
    world.until_asked("db", "write", 2)
    log_ins = [world.log_in(session) for _ in range(2)]
    world.until_asked("password", "read", 2)
    assert (len(pool.held()), len(password.held())) == (2, 2)
    for _ in log_ins:
        password.answer(password.take(), "PASSWORD_MISMATCH")
    world.settle(pool)
    assert [call.status() for call in votes + log_ins] == [200] * 4


def test_an_error_is_told_to_everybody_who_shares_it(world):
    pool = world.pool(capacity=1)
    blocking = world.reads(1)
    calls = [world.read(2) for _ in range(3)]
    world.until_asked("db", "read", 4)
    pool.serve(1)
    pool.answer(pool.take(), "UNAVAILABLE")
    assert [call.status() for call in blocking + calls] == [200] + [503] * 3


def test_the_readers_of_a_dead_pool_share_its_retry_and_its_refusal(world):
    pools = [world.pool(capacity=1) for _ in range(3)]
    blocking = [world.read(question) for question in (11, 12, 13)]
    world.until_asked("db", "read", 3)
    calls = [world.read() for _ in range(4)]
    world.until_asked("db", "read", 7)
    for pool in pools[1:]:
        pool.take()
    pools[0].serve(1)
    shared = pools[0].take()
    assert shared.attempt == 1
    pools[0].close()
    world.until_lost(pools[0])
    joined = world.reads(1)
    pools[1].close()
    world.until_lost(pools[1])
    pools[2].close()
    world.until_lost(pools[2])
    last = world.pool()
    world.settle(last)
    assert [call.status() for call in calls + joined] == [200] * 5
    assert sorted(call.status() for call in blocking) == [200, 200, 200]
    assert world.queue().retried == 3


def test_an_answer_to_an_earlier_attempt_is_not_for_those_who_joined_since(make_world):  # noqa: F811
    """A read is taken from a stuck pool, waits for another, is joined, and comes back to the stuck one
    as the only one left: what that pool read before the join is not what was asked."""
    world = make_world(gateway__share_reads="true", pools__dead_ms=1500)
    other, stuck = world.pool(capacity=1), world.pool()
    other.beat(read_ms=1501)
    other.fence()
    call = world.read(1)
    first = stuck.take()
    other.beat(read_ms=0)
    other.fence()  # before the next read, which comes another way
    blocking = world.read(2)
    other.take()
    until(lambda: stuck.beat() or other.beat() or wait(0.05) or call.age_s > 1.6)
    until(lambda: stuck.beat(read_ms=1600) or other.beat() or wait(0.05) or world.queue().retried)
    joined = world.read(1)
    world.until_asked("db", "read", 3)
    other.send(pack("bye", {}))
    requests = {}
    while len(requests) < 2:
        again = stuck.take()
        requests[again.body["question_id"]] = again
    assert (requests[1].attempt, requests[2].attempt) == (2, 2)
    stuck.answer(first, body=OLD)
    stuck.answer(requests[1], body=NEW)
    stuck.answer(requests[2])
    assert (text(call), text(joined)) == ("new", "new")
    assert blocking.status() == 200
    assert world.queue().late == 1


def test_sharers_expire_each_at_its_own_time(make_world):  # noqa: F811
    world = make_world(gateway__share_reads="true", gateway__deadline_ms=600)
    pool = world.pool(capacity=1)
    blocking = world.read(2)
    world.until_asked("db", "read", 1)
    early = world.read()
    world.until_asked("db", "read", 2)
    wait(0.4)
    late = world.read()
    world.until_asked("db", "read", 3)
    assert early.status() == 503
    pool.answer(pool.take())
    pool.answer(pool.take(), body=NEW)
    assert text(late) == "new"
    assert blocking.status() == 503


def test_a_sharer_that_goes_away_leaves_the_others_their_answer(world):
    pool = world.pool(capacity=1)
    calls = world.reads(1) + [world.read(2) for _ in range(5)]
    world.until_asked("db", "read", 6)
    for call in calls[1:5]:
        call.reset()
    until(lambda: world.status()["connections"] == 2)
    pool.serve(2)
    assert [calls[0].status(), calls[5].status()] == [200] * 2
