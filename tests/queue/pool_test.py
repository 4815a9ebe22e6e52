"""The protocol between a pool and its gateways, shown on a session pool."""
import contextlib
import os
import signal
import subprocess

import pytest

from tests.fixtures.queues import Gateway, LateServer, pack

READ = {"session_id": "a"}
AT_REST = {"oldest_read_ms": 0, "oldest_write_ms": 0, "busy": 0, "queued": 0}


def alive(gateway, peer):
    return gateway.ask(peer, "session_read", READ).status == "NOT_LOGGED_IN"


def introduced(gateway):
    """The ready of a pool that may think it has been here before: then its heartbeat is asked."""
    frame = gateway.expect(lambda f: f.message in ("ready", "heartbeat"))
    if frame.message == "heartbeat":
        gateway.send(frame.peer, "who")
        frame = gateway.ready()
    return frame


def test_a_pool_says_who_it_is_as_soon_as_it_is_connected(gateway, start_pool):
    pool = start_pool("session", "--threads", 3, "pools.credits=17", "pools.heartbeat_ms=70")
    ready = gateway.ready()
    assert len(ready.body.pop("pool_id")) == 32
    assert ready.body.pop("host") == os.uname().nodename[:64]
    assert ready.body == {"service": "session", "threads": 3, "capacity": 17, "reads_held": 0,
                          "writes_held": 0, "heartbeat_ms": 70, "pid": pool.pid}


def test_a_pool_asked_who_it_is_says_so_again(gateway, start_pool):
    start_pool("session")
    first = gateway.ready()
    gateway.send(first.peer, "who")
    again = gateway.ready()
    assert again.body == first.body and again.peer == first.peer


def test_a_pool_that_says_so_again_tells_what_it_still_holds_of_that_gateway(
        directory, gateway, start_pool, own_redis):
    with contextlib.closing(Gateway(f"ipc://{directory}/gateway-2.ipc")) as other:
        start_pool("session", "--threads", 1, "caches.default.timeout_ms=60000",
                   gateways=[gateway.endpoint, other.endpoint])
        peer, others = gateway.ready().peer, other.ready().peer
        gateway.ask(peer, "session_read", {"session_id": "a"})  # connected now
        own_redis.client.set("sessionid_a", '{"created": 1, "session": {"uid": 1}}')  # to be read is to be written
        own_redis.client.client_pause(60000, all=False)
        slots = [gateway.send(peer, "session_read", {"session_id": "a"}) for _ in range(3)]
        slots += [gateway.send(peer, "session_create", {"user_id": 1, "old_session_id": ""})
                  for _ in range(2)]
        last = other.send(others, "session_read", {"session_id": "a"})
        for one, at, held in ((gateway, peer, (3, 2)), (other, others, (1, 0))):
            one.send(at, "who")
            again = one.ready()
            assert (again.body["reads_held"], again.body["writes_held"]) == held
        own_redis.client.client_unpause()
        for slot in slots:
            gateway.answer(slot)
        other.answer(last)
        gateway.send(peer, "who")
        again = gateway.ready()
        assert again.body["reads_held"] == again.body["writes_held"] == 0


def test_requests_of_one_frame_are_each_answered_and_a_frame_that_is_cut_not_at_all(
        gateway, start_pool, own_redis):
    start_pool("session")
    peer = gateway.ready().peer
    requests = [pack("session_read", {"session_id": f"nobody{slot}"}, slot=slot, generation=7)
                for slot in range(20)]
    gateway.router.send_multipart([peer, b"".join(requests)])
    answers = [gateway.answer(slot) for slot in range(20)]
    assert {answer.status for answer in answers} == {"NOT_LOGGED_IN"}
    gateway.router.send_multipart([peer, b"".join(requests)[:-1]])
    assert gateway.ask(peer, "session_read", READ).status == "NOT_LOGGED_IN"
    assert not gateway.kept, "part of it was answered"


def test_every_start_of_a_pool_has_an_id_of_its_own(gateway, start_pool):
    ids = set()
    for _ in range(3):
        pool = start_pool("session")
        ids.add(gateway.ready().body["pool_id"])
        pool.stop()
    assert len(ids) == 3


def test_each_answer_gives_its_credit_back_and_returns_slot_generation_and_id(gateway, start_pool,
                                                                              own_redis):
    start_pool("session")
    peer = gateway.ready().peer
    for attempt in (1, 2):
        request_id = os.urandom(16)
        answer = gateway.ask(peer, "session_read", READ, request_id=request_id, attempt=attempt)
        assert (answer.credit, answer.attempt, answer.request_id) == (1, attempt, request_id)
        assert answer.batch == 1 and answer.ttl_ms == 0


def test_heartbeats_come_while_a_thread_is_stuck_and_tell_how_long_it_has_been(gateway, start_pool,
                                                                               directory):
    server = LateServer(directory / "redis.sock")
    start_pool("session", "--threads", 1, "caches.default.timeout_ms=60000")
    peer = gateway.ready().peer
    assert gateway.expect("heartbeat").body == AT_REST
    slots = [gateway.send(peer, "session_delete", READ) for _ in range(3)]
    connection = server.accept()
    stuck = gateway.expect(
        lambda f: f.message == "heartbeat" and f.body["oldest_read_ms"] >= 200).body
    assert (stuck["busy"], stuck["queued"]) == (1, 2)
    assert stuck["oldest_write_ms"] == stuck["oldest_read_ms"], "its one lane does both"
    later = gateway.expect("heartbeat").body
    assert later["oldest_read_ms"] > stuck["oldest_read_ms"]
    for _ in slots:
        assert b"DEL" in connection.recv(65536)
        connection.sendall(b":1\r\n")
    assert [gateway.answer(slot).status for slot in slots] == ["OK"] * 3
    gateway.expect(lambda f: f.message == "heartbeat" and f.body == AT_REST)
    connection.close()
    server.close()


@pytest.mark.parametrize("message", [
    "vote_cast", "password_hash", "gateway_status", "session_read_reply", 999])
def test_a_request_this_pool_does_not_know_is_answered_so(gateway, start_pool, own_redis, message):
    start_pool("session")
    peer = gateway.ready().peer
    answer = gateway.ask(peer, message, b"{}")
    assert (answer.message, answer.status, answer.credit) == ("error", "BAD_MESSAGE", 1)
    assert alive(gateway, peer)


def test_what_a_later_gateway_adds_to_a_message_is_passed_over(gateway, start_pool, own_redis):
    start_pool("session")
    peer = gateway.ready().peer
    assert gateway.ask(peer, "session_read", {**READ, "later": [1]}).status == "NOT_LOGGED_IN"
    gateway.send(peer, "who", {"later": 1})
    gateway.ready()


def test_malformed_frames_are_counted_and_change_nothing(gateway, start_pool, own_redis):
    pool = start_pool("session", "pools.drain_ms=10000")
    peer = gateway.ready().peer
    good = pack("session_read", READ)
    frames = [b"", b"V", b"VQ", b"VQ\x01", good[:-1], good + b"x", b"XX" + good[2:],
              b"VQ\x02" + good[3:], good[:55], good[:52] + b"\xff\xff\xff\xff" + good[56:],
              b"GET / HTTP/1.1\r\n\r\n", os.urandom(200), pack("ready", b"{}"), pack("heartbeat"),
              pack("drain"), pack("bye"), pack("error", {"detail": "", "fields": []}),
              pack("who", b"[]"), pack("drain_ok", b'[1]')]
    for frame in frames:
        gateway.router.send_multipart([peer, frame])
    gateway.router.send_multipart([peer, b"two", b"parts"])
    assert alive(gateway, peer)
    assert not [f for f in gateway.kept if f.message == "error"]
    pool.kill(signal.SIGTERM)
    gateway.drain(peer)
    gateway.expect("bye")
    assert pool.wait() == 0
    assert f"bad_frames={len(frames) + 1}" in pool.log


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b"\xff", b'{"session_id": "a", "session_id": "b"}', b"{}" * 2])
def test_a_body_that_is_wrong_is_answered_with_its_credit(gateway, start_pool, own_redis, body):
    start_pool("session")
    peer = gateway.ready().peer
    answer = gateway.ask(peer, "session_read", body)
    assert (answer.status, answer.credit) == ("BAD_MESSAGE", 1)
    assert alive(gateway, peer)


def test_a_frame_past_the_limit_ends_its_connection_and_not_the_pool(gateway, start_pool,
                                                                     own_redis):
    start_pool("session")
    peer = gateway.ready().peer
    gateway.send(peer, "session_read", b" " * (5 * 1024 * 1024))
    assert alive(gateway, gateway.ready().peer)


def test_what_has_no_time_left_is_never_started(gateway, start_pool, directory):
    server = LateServer(directory / "redis.sock")
    start_pool("session", "--threads", 1, "caches.default.timeout_ms=60000")
    peer = gateway.ready().peer
    assert gateway.ask(peer, "session_read", READ, ttl_ms=0).status == "EXPIRED"
    first = gateway.send(peer, "session_delete", {"session_id": "first"})
    connection = server.accept()
    assert b"first" in connection.recv(65536)
    late = gateway.send(peer, "session_delete", {"session_id": "late"}, ttl_ms=1)
    last = gateway.send(peer, "session_delete", {"session_id": "last"})
    gateway.expect(lambda f: f.message == "heartbeat" and f.body["queued"] == 2)
    gateway.expect("heartbeat")  # 50 ms later at least
    connection.sendall(b":1\r\n")
    assert gateway.answer(first).status == "OK"
    assert b"last" in connection.recv(65536)  # the late one was passed over
    connection.sendall(b":1\r\n")
    assert gateway.answer(late).status == "EXPIRED"
    assert gateway.answer(last).status == "OK"
    connection.close()
    server.close()


def test_what_came_while_the_pool_was_stopped_has_aged(gateway, start_pool, own_redis):
    pool = start_pool("session")
    peer = gateway.ready().peer
    gateway.ask(peer, "session_read", READ)
    pool.kill(signal.SIGSTOP)
    slots = [gateway.send(peer, "session_read", READ, ttl_ms=ttl) for ttl in (500, 60000)]
    while gateway.receive(0.8):
        pass
    pool.kill(signal.SIGCONT)
    assert [gateway.answer(slot).status for slot in slots] == ["EXPIRED", "NOT_LOGGED_IN"]


def test_a_full_queue_answers_busy_at_once_and_loses_nothing_else(gateway, start_pool, directory):
    server = LateServer(directory / "redis.sock")
    start_pool("session", "--threads", 1, "pools.queue_limit=4", "pools.batch_max=1",
               "caches.default.timeout_ms=60000")
    peer = gateway.ready().peer
    slots = [gateway.send(peer, "session_delete", READ)]
    connection = server.accept()  # the thread is in it now
    slots += [gateway.send(peer, "session_delete", READ) for _ in range(10)]
    busy = [gateway.expect(lambda f: f.status == "BUSY") for _ in range(6)]
    assert [f.credit for f in busy] == [1] * 6
    for _ in range(5):
        assert connection.recv(65536)
        connection.sendall(b":1\r\n")
    done = [gateway.answer(slot).status for slot in slots if slot not in {f.slot for f in busy}]
    assert done == ["OK"] * 5
    connection.close()
    server.close()


def test_no_batch_is_larger_than_configured(gateway, start_pool, own_redis):
    start_pool("session", "--threads", 1, "pools.batch_max=3")
    peer = gateway.ready().peer
    gateway.ask(peer, "session_read", READ)
    own_redis.client.client_pause(200)
    slots = [gateway.send(peer, "session_read", READ) for _ in range(30)]
    assert max(gateway.answer(slot).batch for slot in slots) == 3


def test_a_second_pool_shares_the_work_at_once(gateway, start_pool, directory):
    server = LateServer(directory / "redis.sock")
    start_pool("session", "--threads", 1, "caches.default.timeout_ms=60000")
    first = gateway.ready()
    slot = gateway.send(first.peer, "session_delete", {"session_id": "one"})
    stuck = server.accept()
    start_pool("session", "--threads", 1)
    second = gateway.ready()
    assert second.body["pool_id"] != first.body["pool_id"]
    other = gateway.send(second.peer, "session_delete", {"session_id": "two"})
    connection = server.accept()
    assert b"two" in connection.recv(65536)
    connection.sendall(b":1\r\n")
    assert gateway.answer(other).status == "OK"  # while the first is still at it
    assert b"one" in stuck.recv(65536)
    stuck.sendall(b":1\r\n")
    assert gateway.answer(slot).status == "OK"
    for one in (stuck, connection, server):
        one.close()


# ---- leaving ------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_pool_that_is_told_to_stop_answers_all_it_was_sent(gateway, start_pool, own_redis, stop):
    pool = start_pool("session", "--threads", 2, "pools.drain_ms=10000")
    peer = gateway.ready().peer
    slots = [gateway.send(peer, "session_read", {"session_id": str(i)}) for i in range(300)]
    pool.kill(stop)
    gateway.expect("drain")
    # sent before the barrier
    slots += [gateway.send(peer, "session_read", READ) for _ in range(100)]
    gateway.send(peer, "drain_ok")
    assert {gateway.answer(slot).status for slot in slots} == {"NOT_LOGGED_IN"}
    gateway.expect("bye")
    assert pool.wait() == 0
    assert "lost_answers=0" in pool.log


def test_past_its_time_a_leaving_pool_finishes_what_runs_and_gives_the_rest_back(
        gateway, start_pool, directory):
    server = LateServer(directory / "redis.sock")
    pool = start_pool("session", "--threads", 1, "pools.drain_ms=200",
                      "caches.default.timeout_ms=60000")
    peer = gateway.ready().peer
    running = gateway.send(peer, "session_delete", READ)
    connection = server.accept()
    waiting = [gateway.send(peer, "session_delete", READ) for _ in range(3)]
    pool.kill(signal.SIGTERM)
    gateway.drain(peer)
    assert [gateway.answer(slot).status for slot in waiting] == ["REJECTED"] * 3
    assert connection.recv(65536)
    connection.sendall(b":1\r\n")
    assert gateway.answer(running).status == "OK"
    gateway.expect("bye")
    assert pool.wait() == 0
    connection.close()
    server.close()


def test_a_leaving_pool_does_not_wait_for_a_gateway_that_died(endpoint, start_pool, own_redis):
    gateway = Gateway(endpoint)
    pool = start_pool("session", "pools.drain_ms=60000")
    gateway.ready()
    pool.kill(signal.SIGTERM)
    gateway.expect("drain")
    gateway.close()
    assert pool.wait(10) == 0


def test_a_leaving_pool_does_not_wait_for_a_gateway_that_does_not_know_it(endpoint, gateway,
                                                                          start_pool):
    pool = start_pool("session", "pools.drain_ms=60000")
    peer = gateway.ready().peer
    pool.kill(signal.SIGTERM)
    gateway.expect("drain")
    gateway.send(peer, "who")
    gateway.drain(peer)
    assert pool.wait(10) == 0


def test_a_leaving_pool_that_is_asked_whether_it_is_there_beats_on_and_says_bye(
        gateway, start_pool, directory):
    server = LateServer(directory / "redis.sock")
    pool = start_pool("session", "--threads", 1, "pools.drain_ms=60000",
                      "caches.default.timeout_ms=60000")
    peer = gateway.ready().peer
    running = gateway.send(peer, "session_delete", READ)
    connection = server.accept()
    pool.kill(signal.SIGTERM)
    gateway.drain(peer)
    gateway.send(peer, "who")
    for _ in range(5):
        gateway.expect("heartbeat")
    assert connection.recv(65536)
    connection.sendall(b":1\r\n")
    assert gateway.answer(running).status == "OK"
    gateway.expect("bye")
    assert pool.wait() == 0
    connection.close()
    server.close()


def test_a_pool_without_any_gateway_stops_at_once(start_pool):
    pool = start_pool("session", "pools.drain_ms=60000")
    pool.wait_line("pool_started")
    pool.kill(signal.SIGTERM)
    assert pool.wait(5) == 0


# ---- gateways come and go -----------------------------------------------------------------------


def test_a_gateway_that_was_restarted_is_found_without_being_told(endpoint, start_pool, own_redis):
    first = Gateway(endpoint)
    start_pool("session")
    pool_id = first.ready().body["pool_id"]
    for _ in range(3):
        first.close()
        first = Gateway(endpoint)
        frame = introduced(first)
        assert frame.body["pool_id"] == pool_id
        assert alive(first, frame.peer)
    first.close()


def test_a_gateway_is_found_where_something_else_was_before(directory, endpoint, start_pool,
                                                            own_redis):
    stranger = LateServer(directory / "gateway-1.ipc")
    start_pool("session")
    connection, _ = stranger.listener.accept()
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(100))
    while connection.recv(65536):
        pass
    stranger.close()
    gateway = Gateway(endpoint)
    assert alive(gateway, introduced(gateway).peer)
    connection.close()
    gateway.close()


def test_gateways_that_a_glob_finds_later_are_served_too_and_forgotten_when_gone(
        directory, start_pool, own_redis):
    pattern = f"ipc://{directory}/gateway-*.ipc"
    pool = start_pool("session", gateways=[pattern])
    pool.wait_line("pool_started")
    one = Gateway(f"ipc://{directory}/gateway-9001.ipc")
    assert alive(one, one.ready().peer)
    two = Gateway(f"ipc://{directory}/gateway-9002.ipc")
    assert alive(two, two.ready().peer)
    assert alive(one, one.expect("heartbeat").peer)
    two.close()
    (directory / "gateway-9002.ipc").unlink(missing_ok=True)
    pool.wait_line("gateway_gone")
    two = Gateway(f"ipc://{directory}/gateway-9002.ipc")
    assert alive(two, two.ready().peer)
    assert alive(one, one.expect("heartbeat").peer)
    one.close()
    two.close()


def test_one_pool_serves_several_gateways_each_with_its_own_credit(directory, start_pool,
                                                                   own_redis):
    gateways = [Gateway(f"ipc://{directory}/gateway-{i}.ipc") for i in range(3)]
    start_pool("session", "pools.credits=5", gateways=[g.endpoint for g in gateways])
    readies = [g.ready() for g in gateways]
    assert len({r.body["pool_id"] for r in readies}) == 1
    assert [r.body["capacity"] for r in readies] == [5, 5, 5]
    slots = [[g.send(r.peer, "session_read", READ) for _ in range(5)]
             for g, r in zip(gateways, readies)]
    for g, some in zip(gateways, slots):
        assert {g.answer(slot).status for slot in some} == {"NOT_LOGGED_IN"}
        g.close()


# ---- starting -----------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments, says", [
    ([], "expected one service"),
    (["nonsense"], "expected one service"),
    (["session", "password"], "expected one service"),
    (["session", "--threads", "0"], "--threads: expected a whole number from 1 to 1024"),
    (["session", "--threads", "x"], "--threads"),
    (["session", "--set", "pools.credits=0"], "pools.credits"),
    (["session", "--gateway", "nowhere"], "pools.gateways"),
    (["session", "--nonsense"], "nonsense"),
])
def test_what_cannot_start_says_why_and_exits_1(run, config_file, arguments, says):
    done = run("vote-worker", "--config", config_file, *arguments)
    assert done.returncode == 1 and says in done.stderr and done.stdout == ""
    assert len(done.stderr.splitlines()) <= 3


def test_too_few_descriptors_are_told_at_start_not_found_out_later(build_dir, config_file):
    done = subprocess.run(
        ["bash", "-c", 'ulimit -n 128; exec "$@"', "bash", build_dir / "bin/vote-worker", "session",
         "--config", config_file],
        capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert done.stderr.startswith("vote-worker: 128 open files are allowed")


# ---- traced requests -----------------------------------------------------------------------------

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_traced_request_is_answered_with_a_report_of_what_it_took(gateway, start_pool, own_redis):
    start_pool("session")
    peer = gateway.ready().peer
    secret = "c0ffee" * 8
    frame = gateway.ask(peer, "session_read", {"session_id": secret}, trace=TRACE)
    assert frame.status == "NOT_LOGGED_IN" and secret not in str(frame.report)
    (step,) = frame.report["steps"]
    assert (step["kind"], step["text"], step["rows"], step["failed"]) == (
        "redis", "GET sessionid_...; PTTL sessionid_...", 2, False)
    assert 0 <= step["start_us"] and step["start_us"] + step["us"] <= frame.service_us


@pytest.mark.parametrize("trace", ["", TRACE[:-1] + "0", TRACE[:-1], "x", TRACE.upper(), "\x00" * 55])
def test_a_request_that_is_not_traced_is_answered_without_a_report(gateway, start_pool, own_redis, trace):
    start_pool("session")
    frame = gateway.ask(gateway.ready().peer, "session_read", READ, trace=trace)
    assert frame.status == "NOT_LOGGED_IN" and frame.report is None


def test_of_a_batch_only_those_that_are_traced_have_a_report(gateway, start_pool, own_redis):
    start_pool("session", "--threads", 1)
    peer = gateway.ready().peer
    gateway.ask(peer, "session_read", READ)  # connected now
    own_redis.client.client_pause(300, all=True)
    first = gateway.send(peer, "session_read", READ)  # holds the thread while the next ones gather
    slots = [gateway.send(peer, "session_read", READ, trace=TRACE if n == 1 else "") for n in range(3)]
    answers = [gateway.answer(slot) for slot in [first, *slots]]
    assert [answer.report is not None for answer in answers] == [False, False, True, False]
