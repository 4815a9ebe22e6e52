"""A gateway that ends while a pool still owes it an answer."""
import signal

from tests.fixtures.dispatch_world import make_world, until, world  # noqa: F401


def test_a_gateway_told_twice_to_end_waits_for_its_pools_and_answers_whoever_asks_until_then(world):
    """A vote in flight completes. Nobody is served over HTTP any more, but the queue is."""
    pool = world.pool()
    world.reads(1)
    request = pool.take()
    world.process.send(signal.SIGTERM)
    world.process.wait_line("gateway_stopping")
    world.process.send(signal.SIGTERM)
    world.process.wait_line("gateway_stopped")
    world.process.send(signal.SIGTERM)
    status = until(lambda: (status := world.status())["connections"] == 0 and status)
    assert status["queues"][0]["in_flight"] == 1
    pool.answer(request)
    assert world.process.wait() == 0
