"""Answers to what was asked before: by the gateway's last life, or before a request came back."""
from tests.fixtures.dispatch_world import make_world, until, world  # noqa: F401
from tests.fixtures.fake_pool import pack


def test_an_answer_to_the_gateway_before_this_one_is_nobodys(world):
    """Both begin with the same slot; the answer may be another person's session."""
    first = world.pool()
    call = world.read()
    old = first.serve(1)[0]
    assert call.status() == 200
    world.restart()
    pool = world.pool()
    call = world.read()
    new = pool.take()
    pool.answer(old)
    pool.fence()
    assert (world.queue().answered, world.queue().late) == (0, 1)
    pool.answer(new)
    assert call.status() == 200


def test_a_request_that_comes_back_to_a_pool_is_not_answered_by_its_first_time_there(make_world):
    """Who joined it since would be told what was read before they asked."""
    world = make_world(pools__dead_ms=400)
    pools = [world.pool(), world.pool()]
    call = world.reads(1)[0]
    stuck, other = sorted(pools, key=lambda pool: not pool.held())
    old = stuck.take()
    until(lambda: other.beat() or stuck.beat(read_ms=401) or other.held())
    moved = other.take()
    other.send(pack("drain", {}))
    other.answer(moved, "REJECTED")
    again = stuck.take()
    stuck.answer(old)
    stuck.fence()
    assert (world.queue().answered, world.queue().late) == (0, 1)
    stuck.answer(again)
    assert call.status() == 200
