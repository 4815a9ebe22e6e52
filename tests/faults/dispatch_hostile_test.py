"""Frames that make no sense, and clients that go away: counted, never fatal, and nobody else's harm."""
import contextlib
import json
import os
import random
import resource
import subprocess

import pytest

from tests.fixtures.dispatch_world import make_world, until, world  # noqa: F401
from tests.fixtures.fake_pool import NUMBER, ROOT, SAMPLE, answer_to, pack
from tests.fixtures.process import Process

READY = {**SAMPLE["ready"], "service": "password"}
BEAT = SAMPLE["heartbeat"]
REQUESTS = sorted(name for name in NUMBER if f"{name}_reply" in NUMBER and name != "gateway_status")

MALFORMED = {
    "nothing": [b""],
    "one byte": [b"V"],
    "less than a header": [pack("heartbeat", BEAT)[:55]],
    "a header without its body": [pack("heartbeat", BEAT)[:56]],
    "half a body": [pack("heartbeat", BEAT)[:-1]],
    "more than a body": [pack("heartbeat", BEAT) + b" "],
    "a body size of all ones": [pack("heartbeat", BEAT, size=0xFFFFFFFF)],
    "another magic": [pack("heartbeat", BEAT, magic=b"vq")],
    "version 0": [pack("heartbeat", BEAT, version=0)],
    "version 2": [pack("heartbeat", BEAT, version=2)],
    "an unknown type": [pack(9999, b"{}")],
    "type 0": [pack(0, b"{}")],
    "a body that is no JSON": [pack("heartbeat", b"{oldest")],
    "an empty body": [pack("heartbeat", b"")],
    "a list for a body": [pack("heartbeat", b"[]")],
    "a field missing": [pack("heartbeat", {"busy": 0, "queued": 0})],
    "a field twice": [pack("heartbeat", json.dumps(BEAT)[:-1].encode() + b', "busy": 1}')],
    "a number out of range": [pack("heartbeat", {**BEAT, "busy": -1})],
    "a text for a number": [pack("heartbeat", {**BEAT, "busy": "1"})],
    "a capacity of none": [pack("ready", {**READY, "capacity": 0})],
    "a malformed id": [pack("ready", {**READY, "pool_id": "0" * 31})],
    "bytes that are no UTF-8": [pack("ready", json.dumps(READY).encode().replace(b"alpha", b"\xff"))],
    "JSON that nests deeply": [pack("ready", b"[" * 100000)],
    "who, which gateways say": [pack("who", {})],
    "drain_ok, which gateways say": [pack("drain_ok", {})],
    "two parts": [pack("heartbeat", BEAT), b"more"],
    "many parts": [b"part"] * 50,
    "an empty part before the frame": [b"", pack("heartbeat", BEAT)],
    **{f"the request {name}": [pack(name)] for name in REQUESTS},
}


@pytest.fixture(scope="module")
def kinds():
    return list(MALFORMED.items())


def test_each_kind_of_malformed_frame_is_counted_and_hurts_nobody(world, kinds):
    pool, known, unknown = world.pool(), world.pool("session"), world.stranger()
    for i, (kind, parts) in enumerate(kinds):
        call = world.reads(1)[0]
        request = pool.take()
        known.send(*parts)
        unknown.send(*parts)
        known.fence()
        status = unknown.fence()
        assert status["bad_messages"] == 2 * (i + 1), kind
        assert len(status["pools"]) == 2, kind
        pool.answer(request)
        assert call.status() == 200, kind


def test_an_answer_that_makes_no_sense_is_a_500_and_gives_its_credit_back(world):
    pool = world.pool(capacity=1)
    wrong = [
        lambda request: answer_to(request, body={"choices": 1}),
        lambda request: answer_to(request, body=b"{"),
        lambda request: answer_to(request, status="OK")[:-1],
        lambda request: pack("user_get_reply", slot=request.slot, generation=request.generation,
                             attempt=1, credit=1),
        lambda request: pack("error", status=0, slot=request.slot, generation=request.generation,
                             attempt=1, credit=1),
        lambda request: pack("choice_list_reply", status=13, slot=request.slot,
                             generation=request.generation, attempt=1, credit=1),
        lambda request: pack("error", status=9999, slot=request.slot,
                             generation=request.generation, attempt=1, credit=1),
    ]
    for i, make in enumerate(wrong):
        call = world.reads(1)[0]
        request = pool.take()
        pool.send(make(request))
        pool.fence()
        assert world.status()["bad_messages"] == i + 1
        if world.queue().in_flight:  # too short to be an answer at all: the true one still counts
            pool.answer(request)
            assert call.status() == 200
        else:
            assert call.status() == 500
        assert world.pool_status(pool)["reads_in_flight"] == 0


def test_answers_of_strangers_and_to_nobody_change_nothing(world):
    pool, other, stranger = world.pool(), world.pool("session"), world.stranger()
    call = world.reads(1)[0]
    request = pool.take()
    stranger.send(answer_to(request))
    stranger.take("who")
    other.send(answer_to(request))
    for slot, generation in ((request.slot, request.generation + 1), (request.slot ^ 1, request.generation),
                             (0xFFFFFFFF, 0xFFFFFFFF), (0, 0)):
        if (slot, generation) != (request.slot, request.generation):
            pool.answer(request, slot=slot, generation=generation, credit=0)
    pool.fence()
    other.fence()
    assert (world.queue().in_flight, world.queue().answered) == (1, 0)
    pool.answer(request)
    assert call.status() == 200


def test_ready_for_no_service_is_refused_and_counted(world):
    stranger = world.stranger()
    for service in ("gateway", "cache"):
        stranger.send(pack("ready", {**READY, "service": service}))
    assert stranger.fence()["pools_refused"] == 2
    assert not world.status()["pools"]


def test_a_frame_too_large_closes_its_connection_alone(world):
    pool, other = world.pool(), world.pool("session")
    other.send(bytes(4 * 1024 * 1024 + 1))
    call = world.reads(1)[0]
    world.serve_all([call], pool)
    world.until_lost(other)


# ---- fuzz --------------------------------------------------------------------------------------


def seeds():
    """Frames that are right, to be made wrong."""
    bodies = {"ready": READY, "gateway_status": {}}
    return [pack(name, bodies.get(name), slot=3, credit=1) for name in sorted(NUMBER)]


def mutated(source, frame):
    frame = bytearray(frame)
    for _ in range(source.choice((1, 1, 2, 5))):
        kind, at = source.randrange(5), source.randrange(len(frame) or 1)
        if kind == 0 and frame:
            frame[at] ^= 1 << source.randrange(8)
        elif kind == 1 and frame:
            frame[at] = source.randrange(256)
        elif kind == 2:
            frame[at:at] = source.randbytes(source.randrange(8))
        elif kind == 3:
            del frame[at:at + source.randrange(1, 8)]
        else:
            frame = frame[:at]
    return bytes(frame)


def test_random_frames_of_a_hostile_peer_hurt_no_request(world):
    """20,000 frames; the seed is fixed, VOTE_SEED chooses another."""
    seed = int(os.environ.get("VOTE_SEED", 1))
    source, frames = random.Random(seed), seeds()
    pool, hostile = world.pool(), world.pool("session")
    print(f"seed {seed}")
    for _ in range(100):
        call = world.reads(1)[0]
        for _ in range(200):
            if source.random() < 0.1:
                hostile.send(source.randbytes(source.randrange(200)))
            else:
                hostile.send(mutated(source, source.choice(frames)))
        world.serve_all([call], pool)
    hostile.fence()
    status = world.status()
    assert status["bad_messages"] > 5000
    assert world.queue().answered == 100


# ---- clients that go away ----------------------------------------------------------------------


def test_the_vote_of_a_client_that_goes_away_completes(world):
    session, pool = world.pool("session"), world.pool()
    call = world.vote(session)
    request = pool.take("vote_cast")
    call.reset()
    until(lambda: world.status()["connections"] == 0)
    assert world.queue("db", "write").in_flight == 1
    pool.answer(request)
    pool.fence()
    assert world.queue("db", "write").answered == 1


def test_nothing_more_is_asked_for_a_client_that_went_away(world):
    session, pool = world.pool("session"), world.pool()
    call = world.call("POST", "/questions/1/vote", form="choice_id=1", cookie="a" * 64)
    request = session.take("session_read")
    call.reset()
    until(lambda: world.status()["connections"] == 0)
    session.answer(request)
    session.fence()
    assert not pool.held()
    assert world.queue("db", "write").asked == 0


def test_a_client_that_goes_away_while_queued_is_still_asked_for_and_its_slot_comes_back(make_world):
    world = make_world(gateway__slots=8, gateway__queue_limit=4)
    pool = world.pool(capacity=1)
    for _ in range(5):
        calls = world.reads(4)
        for call in calls:
            call.reset()
        until(lambda: world.status()["connections"] == 0)
        world.settle(pool)
    world.serve_all(world.reads(4), pool)


def test_what_asks_no_pool_is_served_however_many_wait_for_one(make_world):
    world = make_world(gateway__slots=8, gateway__queue_limit=4)
    pool = world.pool(capacity=1)
    calls = world.reads(4)
    assert world.read().status() == 503, "two slots for each request that may ask"
    for path in ("/hello", "/static/favicon.svg", "/healthz"):
        assert world.call("GET", path).status() == 200, path
    assert world.call("GET", "/nowhere").status() == 404
    world.serve_all(calls, pool)
    world.serve_all(world.reads(4), pool)


# ---- its own output ----------------------------------------------------------------------------


def test_a_reader_of_the_access_log_that_stops_holds_up_nobody(make_world):
    world = make_world(gateway__access_log="true")
    long = "/hello?" + "a" * 4000
    answered = 0
    world.process.reading.clear()
    try:
        while not (dropped := world.status()["access_log_dropped"]):
            assert [world.call("GET", long).status() for _ in range(50)] == [200] * 50
            answered += 50
            assert answered < 5000
    finally:
        world.process.reading.set()
    print(f"{answered} answers, {dropped} lines dropped")
    until(lambda: world.process.log.count("GET /hello?") == answered - dropped)
    assert world.call("GET", "/hello?last").status() == 200
    world.process.wait_line(r"GET /hello\?last")


# ---- descriptors -------------------------------------------------------------------------------


@pytest.fixture
def limited(build_dir, config_file, tmp_path):
    """limited("SOFT:HARD"): the fixture `process`, with so many descriptors."""
    with contextlib.ExitStack() as stack:
        def under(limits):
            def spawn(program, *arguments, env=None):
                command = ["prlimit", f"--nofile={limits}", build_dir / "bin" / program, *arguments,
                           "--config", config_file]
                return stack.enter_context(Process(command, tmp_path / "few.log",
                                                   {**os.environ, **(env or {})}, cwd=ROOT))
            return spawn

        yield under


def test_a_gateway_out_of_descriptors_neither_aborts_nor_spins(make_world):
    world = make_world()
    limit = world.descriptors() + 40
    resource.prlimit(world.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    pool = world.pool()
    calls = [world.read() for _ in range(80)]
    until(lambda: "accept_paused" in world.process.log)
    before = world.cpu_s()
    until(lambda: world.process.log.count("accept_paused") >= 8)
    assert world.cpu_s() - before < 0.4, "about 0.8 s went by"
    for call in calls[40:]:
        call.close()
    world.settle(pool)
    assert [call.status() for call in calls[:20]] == [200] * 20
    for call in calls[20:40]:
        call.close()
    last = world.read()  # those before it in the listener's queue are let in before it
    until(lambda: world.settle(pool) or last.is_answered())
    assert last.status() == 200
    until(lambda: world.settle(pool) or world.status()["connections"] == 0)
    world.serve_all(world.reads(5), pool)


def test_a_gateway_that_would_run_out_of_descriptors_says_so_at_start(build_dir, config_file):
    done = subprocess.run(["prlimit", "--nofile=95:95", build_dir / "bin/vote-gateway", "--config", config_file],
                          capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("vote-gateway: 95 open files are allowed")
    assert len(done.stderr.splitlines()) == 1


def test_a_low_soft_limit_of_descriptors_is_raised(make_world, limited):
    world = make_world(process=limited("64:4096"))
    pools = [world.pool() for _ in range(100)]  # more than the soft limit was
    world.serve_all(world.reads(5), *pools)
    assert resource.prlimit(world.process.pid, resource.RLIMIT_NOFILE) == (4096, 4096)


def test_with_128_descriptors_callers_in_excess_are_turned_away_and_pools_still_come(make_world,
                                                                                     limited):
    world = make_world(process=limited("128:128"))
    pools = [world.pool()]
    first = world.reads(1)[0]
    calls = [world.read() for _ in range(150)]
    pools += [world.pool() for _ in range(10)]
    until(lambda: world.settle(*pools) or all(call.is_answered() for call in [first, *calls]))
    answers = {call.status() for call in calls}
    assert first.status() == 200
    assert 503 in answers and answers <= {200, 503}
    until(lambda: world.status()["connections"] == 0)
    world.serve_all(world.reads(1), *pools)
