"""Deadlines travel: nothing starts after its own, and every client has its answer soon after it."""
import collections
import random
import select
import time

from tests.fixtures.dispatch_world import make_world, until, wait, world  # noqa: F401
from tests.fixtures.fake_pool import pack

GRACE_S = 1.0  # the promise is 0.1; a busy machine under sanitizers is given more


def test_the_time_on_the_wire_is_what_is_left(make_world):
    world = make_world(gateway__deadline_ms=5000)
    session, pool = world.pool("session"), world.pool(capacity=1)
    first = world.reads(1)[0]
    call = world.call("POST", "/questions/1/vote", form="choice_id=1", cookie="a" * 64)
    asked = session.take("session_read")
    assert 4000 < asked.ttl_ms <= 5000
    wait(0.2)
    session.answer(asked)
    vote = pool.take("vote_cast")
    assert vote.ttl_ms <= asked.ttl_ms - 200, "both steps of a request share its deadline"
    second = world.reads(1)[0]
    wait(0.2)
    held = pool.take("choice_list")
    pool.answer(held)
    waited = pool.take("choice_list")
    assert waited.ttl_ms <= 5000 - 200, "the wait in the gateway's queue counts"
    pool.answer(waited)
    pool.answer(vote)
    assert [each.status() for each in (first, call, second)] == [200] * 3


def test_nothing_is_sent_after_its_deadline(make_world):
    world = make_world(gateway__deadline_ms=300)
    pool = world.pool(capacity=1)
    calls = world.reads(5)
    first = pool.take()
    assert [call.status() for call in calls] == [503] * 5
    pool.answer(first)
    assert not pool.held(), "four were waiting, and it is too late for them"
    assert (world.queue().expired, world.queue().late) == (5, 1)


def test_credit_that_comes_back_at_the_deadline_is_not_spent_on_what_is_over(make_world):
    """Between the deadline and the tick that would see it."""
    world = make_world(gateway__deadline_ms=150)
    pool = world.pool(capacity=1)
    for i in range(8):
        calls = world.reads(2)
        first = pool.take()
        wait(max(0.0, 0.148 + i * 0.005 - calls[1].age_s))
        pool.answer(first)
        for request in pool.take_all():
            assert 1 <= request.ttl_ms <= 150
            pool.answer(request)
        assert {call.status() for call in calls} <= {200, 503}


def test_what_comes_back_from_a_dead_pool_too_late_is_not_sent_again(make_world):
    world = make_world(gateway__deadline_ms=300)
    pool = world.pool()
    call = world.reads(1)[0]
    assert call.status() == 503
    pool.close()
    other = world.pool()
    world.until_lost(pool)
    assert not other.held()
    assert world.queue().retried == 0


def test_a_route_may_have_a_deadline_of_its_own(make_world):
    """A log-in's may be shorter or longer than a read's; all its steps share it."""
    world = make_world(gateway__deadline_ms=60000, gateway__password_deadline_ms=300)
    session, password, pool = world.pool("session"), world.pool("password"), world.pool()
    read, log_in = world.reads(1)[0], world.log_in()
    counted = session.take("attempt_count")
    assert counted.ttl_ms <= 300
    assert log_in.status() == 503
    assert log_in.took_s < 0.3 + GRACE_S
    assert not read.is_answered()
    session.answer(counted)
    world.serve_all([read], pool)

    world = make_world(gateway__deadline_ms=300, gateway__password_deadline_ms=60000)
    session, password, pool = world.pool("session"), world.pool("password"), world.pool()
    log_in = world.log_in(session)
    asked = password.take()
    read = world.reads(1)[0]
    assert read.status() == 503
    assert 300 < asked.ttl_ms <= 60000 and not log_in.is_answered()
    password.answer(asked, "PASSWORD_MISMATCH")
    assert log_in.answer()[2]["error_code"] == 20004
    late = pool.take("choice_list")
    pool.answer(late)


def test_every_client_is_answered_soon_after_its_deadline(make_world):
    """Whatever happens behind: nobody answers, pools die and leave, credit runs out."""
    world = make_world(gateway__deadline_ms=600, gateway__password_deadline_ms=600,
                       gateway__queue_limit=64, gateway__share_reads="true")
    source = random.Random(1)
    session, password = world.pool("session"), world.pool("password", capacity=2)
    pools = [world.pool(capacity=3) for _ in range(4)]
    waiting, answers, latest, end = [], collections.Counter(), 0, time.monotonic() + 3
    kinds = [world.read, world.log_out, world.log_in,
             lambda: world.call("GET", "/", cookie="a" * 64),
             lambda: world.call("POST", "/questions/1/vote", form="choice_id=1", cookie="a" * 64)]

    def look(seconds=0):
        nonlocal latest
        for call in select.select(waiting, [], [], seconds)[0]:
            latest = max(latest, call.age_s - 0.6)
            waiting.remove(call)
            answers[call.status()] += 1

    while time.monotonic() < end:
        if len(waiting) < 200:
            waiting.append(source.choice(kinds)())
        each = source.choice([session, password, *pools])
        held = each.take_all()
        source.shuffle(held)
        for request in held[:source.randrange(3)]:
            each.answer(request, source.choice(["OK", "OK", "BUSY", "REJECTED", "INTERNAL"]))
        if source.random() < 0.05 and len(pools) > 1:
            gone = pools.pop(source.randrange(len(pools)))
            gone.send(pack("drain", {})) if source.random() < 0.5 else gone.close()
        if source.random() < 0.05:
            pools.append(world.pool(capacity=3))
        look()
    until(lambda: look(0.05) or not waiting)
    print(f"{answers}; the last answer {latest * 1000:.0f} ms after its deadline")
    assert set(answers) <= {200, 302, 303, 401, 404, 500, 503}
    assert latest < GRACE_S
