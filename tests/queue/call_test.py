"""vote-call: what an operator types, and what it prints."""
import json
import signal
import subprocess

import pytest

from queues import BIN, NUMBER, directory, endpoint, gateway, pack, redis, start_pool, until, vote_call  # noqa: F401


def test_one_request_gives_one_line(endpoint, start_pool, redis):
    start_pool("session")
    status, replies, errors = vote_call("--bind", endpoint, "session", "session_create", '{"user_id": 3, "old_session_id": ""}')
    assert (status, errors, len(replies)) == (0, "", 1)
    reply = replies[0]
    assert list(reply) == ["line", "status", "message", "pool", "queue_us", "service_us", "batch", "attempt", "body"]
    assert (reply["line"], reply["status"], reply["message"], reply["batch"]) == (1, "OK", "session_create_reply", 1)
    assert len(reply["body"]["session_id"]) == 64


def test_a_stream_of_lines_is_answered_line_by_line_within_the_credit(endpoint, start_pool, redis):
    redis.client.set("sessionid_good", '{"created": 9999999999, "session": {"uid": 8}}')
    start_pool("session", "pools.credits=3")
    lines = [{"session_id": "good"}, {"session_id": "bad"}, {"message": "session_delete", "body": {"session_id": "x"}}] * 200
    text = "\n\n".join(map(json.dumps, lines))
    status, replies, _ = vote_call("--bind", endpoint, "session", "session_read", stdin=text)
    assert status == 1
    by_line = {r["line"]: r["status"] for r in replies}
    assert [by_line[i + 1] for i in range(600)] == ["OK", "NOT_LOGGED_IN", "OK"] * 200
    assert max(r["batch"] for r in replies) <= 3


def test_lines_may_all_name_their_own_request(endpoint, start_pool, redis):
    start_pool("session")
    line = json.dumps({"message": "session_delete", "body": {"session_id": "x"}})
    assert vote_call("--bind", endpoint, "session", "-", "-", stdin=line + "\n")[0] == 0
    status, replies, errors = vote_call("--bind", endpoint, "session", "-", stdin='{"session_id": "x"}\n')
    assert (status, replies) == (2, []) and "line 1 names no request" in errors


def test_no_lines_are_no_error(endpoint):
    assert vote_call("--bind", endpoint, "session", "session_read", stdin="\n  \n") == (0, [], "")


def test_what_is_wrong_goes_to_the_pool_as_it_stands(endpoint, start_pool, redis):
    start_pool("session")
    for wrong in ("no JSON", "{}", '{"session_id": 1}', "[]"):
        status, replies, _ = vote_call("--bind", endpoint, "session", "session_read", wrong)
        assert (status, replies[0]["status"], replies[0]["message"]) == (1, "BAD_MESSAGE", "error")
    status, replies, _ = vote_call("--bind", endpoint, "session", "vote_cast", "{}")
    assert (status, replies[0]["status"]) == (1, "BAD_MESSAGE")


def test_several_pools_share_a_stream(endpoint, start_pool, redis):
    for _ in range(2):
        start_pool("session", "pools.credits=2")
    caller = subprocess.Popen([BIN / "vote-call", "--bind", endpoint, "session", "session_read"], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    pools = set()

    def both_answered():
        caller.stdin.write('{"session_id": "a"}\n' * 8)
        caller.stdin.flush()
        pools.update(json.loads(caller.stdout.readline())["pool"] for _ in range(8))
        return len(pools) == 2

    assert until(both_answered)
    caller.communicate()
    assert caller.returncode == 1  # nobody is logged in


def test_a_pool_that_leaves_answers_what_it_was_sent_and_nothing_waits(endpoint, start_pool, redis):
    pool = start_pool("session", "pools.drain_ms=60000")
    caller = subprocess.Popen([BIN / "vote-call", "--bind", endpoint, "session", "session_read"], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    caller.stdin.write('{"session_id": "a"}\n')
    caller.stdin.flush()
    assert json.loads(caller.stdout.readline())["line"] == 1
    pool.terminate()
    assert pool.wait(10) == 0
    caller.communicate()


def test_without_a_pool_it_says_so_in_time(endpoint, directory):
    status, replies, errors = vote_call("--bind", endpoint, "--timeout", 200, "session", "session_read", '{"session_id": "a"}')
    assert (status, replies) == (3, [])
    assert errors == f"vote-call: no session pool at {endpoint}\n"
    assert not (directory / "gateway-1.ipc").exists()


def test_a_pool_of_another_service_is_not_asked(endpoint, start_pool):
    pool = start_pool("password")
    pool.says("pool_started")
    assert vote_call("--bind", endpoint, "--timeout", 500, "session", "session_read", '{"session_id": "a"}')[0] == 3


def test_a_request_without_an_answer_is_told(endpoint, directory):
    """A pool of ours that never answers."""
    import zmq

    dealer = zmq.Context.instance().socket(zmq.DEALER)
    dealer.linger = 0
    dealer.connect(endpoint)
    dealer.send(pack("ready", {"pool_id": "00" * 16, "service": "session", "threads": 1, "capacity": 1, "heartbeat_ms": 500,
                               "host": "", "pid": 1}, ttl_ms=0))
    status, replies, errors = vote_call("--bind", endpoint, "--timeout", 200, "session", "session_read", '{"session_id": "a"}')
    assert (status, replies, errors) == (3, [], "vote-call: 1 requests without an answer\n")
    dealer.close()


def test_a_gateway_is_asked_about_itself(gateway, endpoint):
    caller = subprocess.Popen([BIN / "vote-call", "--gateway", endpoint, "gateway", "gateway_status", "{}"], text=True,
                              stdout=subprocess.PIPE)
    asked = gateway.expect("gateway_status")
    body = {"listen": "127.0.0.1:9000", "connections": 2, "requests": 5, "bad_messages": 0, "missed_edges": 0,
            "services": [], "pools": []}
    frame = bytearray(pack("gateway_status_reply", body, slot=asked.slot, generation=asked.generation, ttl_ms=0))
    gateway.router.send_multipart([asked.peer, bytes(frame)])
    reply = json.loads(caller.communicate()[0])
    assert (caller.returncode, reply["status"], reply["body"]) == (0, "OK", body)


def test_an_answer_that_breaks_its_own_rules_is_named(gateway, endpoint):
    caller = subprocess.Popen([BIN / "vote-call", "--gateway", endpoint, "gateway", "gateway_status", "{}"], text=True,
                              stdout=subprocess.PIPE)
    asked = gateway.expect("gateway_status")
    gateway.router.send_multipart([asked.peer, pack("gateway_status_reply", {}, slot=asked.slot, generation=asked.generation)])
    reply = json.loads(caller.communicate()[0])
    assert (caller.returncode, reply["body"], reply["error"]) == (1, None, "listen: is missing")


def test_a_gateway_that_is_not_there_is_told_in_time(endpoint):
    status, _, errors = vote_call("--gateway", endpoint, "--timeout", 200, "gateway", "gateway_status", "{}")
    assert status == 3 and errors == f"vote-call: no gateway answer at {endpoint}\n"


def test_it_does_not_take_the_place_of_a_gateway_that_runs(gateway, endpoint):
    status, _, errors = vote_call("--bind", endpoint, "session", "session_read", '{"session_id": "a"}')
    assert status == 2 and "somebody listens already" in errors


def test_a_socket_left_behind_by_a_crash_is_no_obstacle(endpoint, directory, start_pool, redis):
    caller = subprocess.Popen([BIN / "vote-call", "--bind", endpoint, "session", "session_read"], stdin=subprocess.PIPE)
    assert until((directory / "gateway-1.ipc").exists)
    caller.kill()
    caller.communicate()
    start_pool("session")
    assert vote_call("--bind", endpoint, "session", "session_delete", '{"session_id": "a"}')[0] == 0


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_its_socket(endpoint, directory, stop):
    caller = subprocess.Popen([BIN / "vote-call", "--bind", endpoint, "session", "session_read"], stdin=subprocess.PIPE)
    assert until((directory / "gateway-1.ipc").exists)
    caller.send_signal(stop)
    assert caller.wait(10) == 3
    caller.stdin.close()
    assert not (directory / "gateway-1.ipc").exists()


@pytest.mark.parametrize("arguments", [
    [], ["session"], ["nonsense", "session_read"], ["session", "nonsense"], ["session", "session_read_reply"],
    ["session", "ready"], ["session", "session_read", "{}", "{}"], ["session", "session_read", ""],
    ["--timeout", "0", "session", "session_read"], ["--timeout", "x", "session", "session_read"], ["--nonsense"],
    ["gateway", "gateway_status"], ["--gateway", "ipc:///x", "session", "session_read"],
    ["--gateway", "ipc:///x", "--bind", "ipc:///y", "gateway", "gateway_status"],
    ["--bind", "nonsense", "session", "session_read"], ["--bind", "ipc:///" + "x" * 200, "session", "session_read"],
])
def test_wrong_use_is_exit_2_and_says_why(arguments):
    status, replies, errors = vote_call(*arguments)
    assert (status, replies) == (2, []) and errors.startswith(("vote-call: ", str(BIN)))


def test_the_list_names_every_request_with_a_sample_that_is_accepted(endpoint, start_pool, redis):
    listed = subprocess.run([BIN / "vote-call", "--list"], capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [line.split(" ", 2) for line in listed]
    assert {name for _, name, _ in rows} == {n for n in NUMBER if n + "_reply" in NUMBER}
    start_pool("session")
    for service, name, sample in rows:
        body = json.loads(sample.strip("'"))
        if service == "session":
            assert vote_call("--bind", endpoint, service, name, json.dumps(body))[1][0]["status"] != "BAD_MESSAGE"
