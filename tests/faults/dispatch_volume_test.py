"""Many of everything: messages, callers that go away, requests. VOTE_LONG=1 asks for the full numbers."""
import os
import random
import socket
import struct
import threading
import time

import pytest

from tests.fixtures.dispatch_world import make_world, until, wait, world  # noqa: F401
from tests.fixtures.fake_pool import Frame, pack

LONG = os.environ.get("VOTE_LONG") == "1"
MESSAGES = 1000000 if LONG else 60000
DISCONNECTS = 100000 if LONG else 10000
REQUESTS = 300000 if LONG else 10000
# Freed memory is kept back by the sanitizer, so that its misuse is seen: little enough to be full soon.
QUARANTINE = {"ASAN_OPTIONS": "detect_leaks=1:quarantine_size_mb=4:thread_local_quarantine_size_kb=64"}


def ask_in_bursts(peer, count, source):
    """Asks for the gateway's status in bursts of random size, each answered before the next; returns
    the longest wait for the first answer of a burst that came to a gateway at rest."""
    longest, asked = 0.0, 0
    question = pack("gateway_status", {})
    while asked < count:
        burst = min(source.choice((1, 1, 2, 30, 255, 256, 257, 600)), count - asked)
        began = time.monotonic()
        for _ in range(burst):
            peer._socket.send(question)
        for i in range(burst):
            assert Frame(peer._socket.recv()).message == "gateway_status_reply"
            if i == 0:
                longest = max(longest, time.monotonic() - began)
        asked += burst
    return longest


def test_no_edge_is_missed_however_messages_and_sends_mix(world):
    """Bursts around the gateway's receive budget from several peers, while it sends requests."""
    world.pool_thread(hoard=300, capacity=1000)
    world.pool_thread(hoard=7, capacity=1000, seed=2)
    crowd, longest, threads = world.crowd(40), [], []
    for seed in range(3):
        peer = world.stranger()
        threads.append(threading.Thread(target=lambda peer=peer, seed=seed: longest.append(
            ask_in_bursts(peer, MESSAGES // 3, random.Random(seed)))))
        threads[-1].start()
    answered = 0
    while any(thread.is_alive() for thread in threads):
        assert crowd.ask() == [200] * 40
        answered += 40
    for thread in threads:
        thread.join()
    assert len(longest) == 3
    print(f"{MESSAGES} messages and {answered} requests; "
          f"first answer of a burst after {max(longest) * 1000:.1f} ms at most; "
          f"missed edges: {world.status()['missed_edges']}")
    assert world.status()["missed_edges"] == 0


def test_slots_and_connections_return_to_nothing_after_random_disconnects(make_world):
    world = make_world(gateway__queue_limit=200, gateway__share_reads="true")
    source = random.Random(int(os.environ.get("VOTE_SEED", 1)))
    for service, capacity in (("session", 50), ("db", 20), ("db", 20)):
        world.pool_thread(service, hoard=5, capacity=capacity)
    asks = [b"GET /questions/1/choice HTTP/1.1\r\nHost: v\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: v\r\nCookie: sessionid=abc\r\n\r\n",
            b"POST /questions/1/vote HTTP/1.1\r\nHost: v\r\nCookie: sessionid=abc\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n\r\nchoice_id=1"]
    open_ones = []
    for _ in range(DISCONNECTS):
        each = socket.create_connection(("127.0.0.1", world.port))
        ask = source.choice(asks)
        each.sendall(ask[:source.randrange(len(ask))] if source.random() < 0.1 else ask)
        open_ones.append(each)
        while len(open_ones) > source.randrange(60):
            gone = open_ones.pop(source.randrange(len(open_ones)))
            if source.random() < 0.7:
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            gone.close()
    for each in open_ones:
        each.close()
    until(lambda: world.at_rest() and world.status()["connections"] == 0)
    queue = world.queue()
    print(f"{DISCONNECTS} callers gone; db reads: {vars(queue)}")
    assert queue.asked > DISCONNECTS / 10


@pytest.mark.parametrize("share_reads", ["false", "true"])
def test_memory_stays_as_it_is(make_world, share_reads):
    """Counted in requests, not in time: after the warm-up not 5 % more, not 5 % less."""
    world = make_world(env=QUARANTINE, gateway__share_reads=share_reads)
    world.pool_thread()
    crowd = world.crowd(50)

    def ask(count):
        for _ in range(count // 50):
            assert crowd.ask() == [200] * 50
        return world.memory_kb()

    ask(2 * REQUESTS)
    warm = ask(REQUESTS)
    later = [ask(REQUESTS) for _ in range(2)]
    print(f"after {REQUESTS} requests {warm} kB, then {later}")
    assert all(abs(each - warm) < warm * 0.05 for each in later)


def test_an_idle_gateway_rests(world):
    world.pool_thread()
    wait(0.3)
    before = world.cpu_s()
    wait(1.5)
    assert world.cpu_s() - before < 0.15
