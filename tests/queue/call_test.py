"""vote-call: what an operator types, and what it prints."""
import json
import signal
import time

import pytest
import zmq

from tests.fixtures.queues import NUMBER, PATIENCE, pack

READ = '{"session_id": "a"}'


def test_one_request_gives_one_line(endpoint, start_pool, own_redis, vote_call):
    start_pool("session")
    status, replies, errors = vote_call("--bind", endpoint, "session", "session_create",
                                        '{"user_id": 3, "old_session_id": ""}')
    assert (status, errors, len(replies)) == (0, "", 1)
    reply = replies[0]
    assert list(reply) == ["line", "status", "message", "pool", "queue_us", "service_us", "batch",
                           "attempt", "body"]
    assert (reply["line"], reply["status"], reply["batch"]) == (1, "OK", 1)
    assert reply["message"] == "session_create_reply"
    assert len(reply["body"]["session_id"]) == 64


def test_a_stream_of_lines_is_answered_line_by_line_within_the_credit(endpoint, start_pool,
                                                                      own_redis, vote_call):
    own_redis.client.set("sessionid_good", '{"created": 9999999999, "session": {"uid": 8}}')
    start_pool("session", "pools.credits=3")
    lines = [{"session_id": "good"}, {"session_id": "bad"},
             {"message": "session_delete", "body": {"session_id": "x"}}] * 200
    text = "\n\n".join(map(json.dumps, lines))
    status, replies, _ = vote_call("--bind", endpoint, "session", "session_read", stdin=text)
    assert status == 1
    by_line = {r["line"]: r["status"] for r in replies}
    assert [by_line[i + 1] for i in range(600)] == ["OK", "NOT_LOGGED_IN", "OK"] * 200
    assert max(r["batch"] for r in replies) <= 3


def test_lines_may_all_name_their_own_request(endpoint, start_pool, own_redis, vote_call):
    start_pool("session")
    line = json.dumps({"message": "session_delete", "body": {"session_id": "x"}})
    assert vote_call("--bind", endpoint, "session", "-", "-", stdin=line + "\n")[0] == 0
    status, replies, errors = vote_call("--bind", endpoint, "session", "-", stdin=READ)
    assert (status, replies) == (2, []) and "line 1 names no request" in errors


def test_no_lines_are_no_error(endpoint, vote_call):
    assert vote_call("--bind", endpoint, "session", "session_read", stdin="\n  \n") == (0, [], "")


def test_what_is_wrong_goes_to_the_pool_as_it_stands(endpoint, start_pool, own_redis, vote_call):
    start_pool("session")
    for wrong in ("no JSON", "{}", '{"session_id": 1}', "[]"):
        status, replies, _ = vote_call("--bind", endpoint, "session", "session_read", wrong)
        assert (status, replies[0]["status"], replies[0]["message"]) == (1, "BAD_MESSAGE", "error")
    status, replies, _ = vote_call("--bind", endpoint, "session", "vote_cast", "{}")
    assert (status, replies[0]["status"]) == (1, "BAD_MESSAGE")


def read_one(caller):
    """One request and its answer, so that pool and caller are known to have met."""
    caller.stdin.write('{"session_id": "a"}\n')
    return json.loads(caller.stdout.readline())


def test_several_pools_share_a_stream(stream, endpoint, start_pool, own_redis):
    for _ in range(2):
        start_pool("session", "pools.credits=2")
    caller = stream("--bind", endpoint, "session", "session_read")
    pools = {read_one(caller)["pool"]}
    end = time.monotonic() + PATIENCE
    while len(pools) < 2:
        assert time.monotonic() < end
        caller.stdin.write('{"session_id": "a"}\n' * 8)
        pools.update(json.loads(caller.stdout.readline())["pool"] for _ in range(8))
    caller.stdin.close()
    assert caller.wait(PATIENCE) == 1  # nobody is logged in


def test_a_pool_that_leaves_is_let_go_at_once(stream, endpoint, start_pool, own_redis):
    pool = start_pool("session", "pools.drain_ms=60000")
    caller = stream("--bind", endpoint, "session", "session_read")
    assert read_one(caller)["line"] == 1
    pool.kill(signal.SIGTERM)
    assert pool.wait(PATIENCE) == 0


def test_without_a_pool_it_says_so_in_time(endpoint, directory, vote_call):
    status, replies, errors = vote_call("--bind", endpoint, "--timeout", 200,
                                        "session", "session_read", READ)
    assert (status, replies) == (3, [])
    assert errors == f"vote-call: no session pool at {endpoint}\n"
    assert not (directory / "gateway-1.ipc").exists()


def test_a_pool_of_another_service_is_not_asked(endpoint, start_pool, vote_call):
    pool = start_pool("password")
    pool.wait_line("pool_started")
    status, _, _ = vote_call("--bind", endpoint, "--timeout", 500, "session", "session_read", READ)
    assert status == 3


def test_a_request_without_an_answer_is_told(endpoint, directory, vote_call):
    dealer = zmq.Context.instance().socket(zmq.DEALER)
    dealer.linger = 0
    dealer.connect(endpoint)
    dealer.send(pack("ready", {"pool_id": "00" * 16, "service": "session", "threads": 1,
                               "capacity": 1, "reads_held": 0,
                               "writes_held": 0, "heartbeat_ms": 500, "host": "", "pid": 1}))
    status, replies, errors = vote_call("--bind", endpoint, "--timeout", 200,
                                        "session", "session_read", READ)
    assert (status, replies, errors) == (3, [], "vote-call: 1 requests without an answer\n")
    dealer.close()


def test_a_gateway_is_asked_about_itself(stream, gateway, endpoint):
    caller = stream("--gateway", endpoint, "gateway", "gateway_status", "{}")
    asked = gateway.expect("gateway_status")
    body = {"listen": "127.0.0.1:9000", "connections": 2, "requests": 5, "access_log_dropped": 0,
            "bad_messages": 0, "missed_edges": 0, "late_starts": 0, "pools_refused": 0, "tcp_refused": 0,
            "queues": [], "hops": [], "pools": []}
    frame = pack("gateway_status_reply", body, slot=asked.slot, generation=asked.generation)
    gateway.router.send_multipart([asked.peer, frame])
    reply = json.loads(caller.communicate()[0])
    assert (caller.returncode, reply["status"], reply["body"]) == (0, "OK", body)


def test_an_answer_that_breaks_its_own_rules_is_named(stream, gateway, endpoint):
    caller = stream("--gateway", endpoint, "gateway", "gateway_status", "{}")
    asked = gateway.expect("gateway_status")
    frame = pack("gateway_status_reply", {}, slot=asked.slot, generation=asked.generation)
    gateway.router.send_multipart([asked.peer, frame])
    reply = json.loads(caller.communicate()[0])
    assert (caller.returncode, reply["body"], reply["error"]) == (1, None, "listen: is missing")


def test_a_gateway_that_is_not_there_is_told_in_time(endpoint, vote_call):
    status, _, errors = vote_call("--gateway", endpoint, "--timeout", 200,
                                  "gateway", "gateway_status", "{}")
    assert status == 3 and errors == f"vote-call: no gateway answer at {endpoint}\n"


def test_it_does_not_take_the_place_of_a_gateway_that_runs(gateway, endpoint, vote_call):
    status, _, errors = vote_call("--bind", endpoint, "session", "session_read", READ)
    assert status == 2 and "somebody listens already" in errors


def test_a_socket_left_behind_by_a_crash_is_no_obstacle(stream, endpoint, directory, start_pool,
                                                        own_redis, vote_call):
    start_pool("session")
    caller = stream("--bind", endpoint, "session", "session_read")
    read_one(caller)
    caller.kill()
    caller.wait(PATIENCE)
    assert (directory / "gateway-1.ipc").exists()
    status, _, _ = vote_call("--bind", endpoint, "session", "session_delete", '{"session_id": "a"}')
    assert status == 0


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_its_socket(stream, endpoint, directory, start_pool, own_redis, stop):
    start_pool("session")
    caller = stream("--bind", endpoint, "session", "session_read")
    read_one(caller)
    assert (directory / "gateway-1.ipc").exists()
    caller.send_signal(stop)
    assert caller.wait(PATIENCE) == 3
    assert not (directory / "gateway-1.ipc").exists()


@pytest.mark.parametrize("arguments", [
    [], ["session"], ["nonsense", "session_read"], ["session", "nonsense"],
    ["session", "session_read_reply"],
    ["session", "ready"], ["session", "session_read", "{}", "{}"], ["session", "session_read", ""],
    ["--timeout", "0", "session", "session_read"], ["--timeout", "x", "session", "session_read"],
    ["--nonsense"],
    ["gateway", "gateway_status"], ["--gateway", "ipc:///x", "session", "session_read"],
    ["--gateway", "ipc:///x", "--bind", "ipc:///y", "gateway", "gateway_status"],
    ["--bind", "nonsense", "session", "session_read"],
    ["--bind", "ipc:///" + "x" * 200, "session", "session_read"],
])
def test_wrong_use_is_exit_2_and_says_why(arguments, vote_call):
    status, replies, errors = vote_call(*arguments)
    assert (status, replies) == (2, []) and "vote-call: " in errors


def test_the_list_names_every_request_with_a_sample_that_is_accepted(run, endpoint, start_pool,
                                                                     own_redis, vote_call):
    listed = run("vote-call", "--list").stdout.splitlines()
    rows = [line.split(" ", 2) for line in listed]
    assert {name for _, name, _ in rows} == {n for n in NUMBER if n + "_reply" in NUMBER}
    lines = [json.dumps({"message": name, "body": json.loads(sample.strip("'"))})
             for service, name, sample in rows if service == "session"]
    start_pool("session")
    _, replies, _ = vote_call("--bind", endpoint, "session", "-", stdin="\n".join(lines))
    assert len(replies) == len(lines) and not [r for r in replies if r["status"] == "BAD_MESSAGE"]
