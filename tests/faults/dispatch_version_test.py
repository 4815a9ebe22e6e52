"""Pools of an earlier or a later version than the gateway's, as in the middle of an upgrade."""
import pytest

from tests.fixtures.dispatch_world import make_world, world  # noqa: F401
from tests.fixtures.fake_pool import SAMPLE, pack

READY = {**SAMPLE["ready"], "service": "db"}
LATER = {"later": {"deep": [1]}}


@pytest.mark.parametrize("ready", [
    {key: value for key, value in READY.items() if key not in ("reads_held", "writes_held")},
    {**READY, **LATER},
], ids=["earlier", "later"])
def test_a_pool_of_another_version_serves(world, ready):
    pool = world.stranger()
    pool.send(pack("ready", ready))
    pool.send(pack("heartbeat", {**SAMPLE["heartbeat"], **LATER}))
    call = world.reads(1)[0]
    request = pool.take()
    pool.send(pack("choice_list_reply", {"choices": [], **LATER}, slot=request.slot, credit=1,
                   generation=request.generation, attempt=1))
    assert call.status() == 200
    status = world.status()
    assert (len(status["pools"]), status["bad_messages"], status["pools_refused"]) == (1, 0, 0)


def test_a_pool_of_another_protocol_is_refused_and_counted(world):
    pool = world.stranger()
    pool.send(pack("ready", READY, version=2))
    status = pool.fence()
    assert (status["pools"], status["bad_messages"]) == ([], 1)
    world.process.wait_line('frame_bad error="a version not spoken here"')
