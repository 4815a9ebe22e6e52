"""The link between a gateway and the pools of another host is cut and heals, under load."""
import contextlib
import threading
import time

import pytest

from tests.queue.hosts import Hosts
from tests.queue.link import Cable, Proxy

DEADLINE_S = 2.0  # gateway.deadline_ms of Hosts
BACK_S = 8.0      # after healing; the machine may be busy
ASKERS = 4


@pytest.fixture(params=[Cable, Proxy], ids=["namespaces", "proxy"])
def link(request):
    with contextlib.ExitStack() as stack:
        try:
            yield stack.enter_context(request.param())
        except PermissionError as why:
            pytest.skip(f"no network namespaces here: {why}")


@pytest.fixture
def hosts(build_dir, config_file, directory, run, link):
    with contextlib.ExitStack() as stack:
        yield Hosts(build_dir, config_file, directory, run, stack, host=link.host,
                    gateway_side=link.gateway_side, pool_side=link.pool_side)


class Load:
    """Askers that never stop asking, each from the gateway's side; what they were answered."""

    def __init__(self, hosts, link):
        self.hosts, self.link = hosts, link
        self.answers = []  # (when it came, HTTP status or the exception, seconds it took)
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.ask) for _ in range(ASKERS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def ask(self):
        self.link.inside()
        while not self.ended.wait(0.01):
            began = time.monotonic()
            try:
                answer = self.hosts.get()
            except Exception as error:  # to be judged with the rest
                answer = repr(error)
            self.answers.append((time.monotonic(), answer, time.monotonic() - began))

    def since(self, moment):
        return [answer for when, answer, _ in list(self.answers) if when > moment]

    def until(self, answer, count=20, timeout=15.0):
        """Until so many of the same answer came from now on."""
        now = time.monotonic()
        self.hosts.gateway.until(lambda: self.since(now).count(answer) >= count, timeout)


@pytest.fixture
def pools(hosts, link, sample_database):
    """Two db pools on the other side."""
    endpoint = link.reached(hosts.endpoint)
    pools = [hosts.start_pool("db", *sample_database.settings[1::2], endpoint=endpoint)
             for _ in range(2)]
    hosts.until_services("db", "db")
    return pools


def lost(hosts):
    return hosts.gateway.log.count("pool_lost")


def test_a_link_that_is_cut_and_heals_under_load_costs_only_the_time_it_was_away(hosts, link, pools):
    with Load(hosts, link) as load:
        load.until(200)
        for round_number in (1, 2):
            link.cut()
            hosts.gateway.until(lambda: lost(hosts) == 2 * round_number)
            load.until(503)
            link.heal()
            healed = time.monotonic()
            hosts.until_services("db", "db", timeout=BACK_S)
            load.until(200)
            assert time.monotonic() - healed < BACK_S
    assert {answer for _, answer, _ in load.answers} == {200, 503}
    assert max(took for _, _, took in load.answers) < DEADLINE_S + 1.0
    status = hosts.check_books()
    assert len(status["pools"]) == 2
    assert all(pool.running() for pool in pools)


def test_a_pool_may_start_while_the_link_is_cut(hosts, link):
    endpoint = link.reached(hosts.endpoint)
    link.cut()
    pool = hosts.start_pool("password", endpoint=endpoint)
    pool.wait_line("pool_started")
    link.heal()
    hosts.until_services("password", timeout=BACK_S)


def test_a_pool_whose_link_is_cut_ends_at_once_when_told_to(hosts, link):
    pool = hosts.start_pool("password", endpoint=link.reached(hosts.endpoint))
    hosts.until_services("password")
    link.cut()
    pool.stop(timeout=5.0)
