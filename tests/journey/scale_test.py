"""Pools come and go while the site serves; nothing is lost, and nothing waits for ever."""
import contextlib
import json
import signal
import subprocess
import threading
import time

import pytest

from tests.conftest import SANITIZERS
from tests.fixtures.client import Client
from tests.fixtures.site import Site, load, together


@pytest.fixture
def site(process, sample_database, redis, ipc_dir):
    """A site of each test's own, for its processes do not survive it."""
    return Site(process, sample_database, redis, ipc_dir)


@pytest.fixture
def status(build_dir):
    """status(site): what its gateway says of itself by the queue."""
    def ask(site):
        done = subprocess.run(
            [build_dir / "bin" / "vote-call", "--gateway", site.endpoint, "gateway", "gateway_status",
             "{}"], env=SANITIZERS, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        return answer.get("body", answer)
    return ask


def pids(status, service):
    return {pool["pid"] for pool in status["pools"] if pool["service"] == service}


def choices(site, question=1):
    return Client(site.port).get(f"/question/{question}/choice")


def kill(pool):
    pool.send(signal.SIGKILL)
    pool.abandon()


def test_status_shows_pools_threads_and_that_no_message_was_missed(site, status):
    answer = status(site)
    assert pids(answer, "db") == {site.pools["db"][0].pid}
    assert {pool["service"] for pool in answer["pools"]} == {"db", "session", "password"}
    assert all(pool["threads"] >= 1 and pool["capacity"] >= 1 for pool in answer["pools"])
    assert answer["bad_messages"] == answer["missed_edges"] == answer["late_starts"] == 0
    for queue in answer["queues"]:
        assert queue["asked"] == sum(queue[name] for name in (
            "answered", "busy", "expired", "lost", "queued", "in_flight")), queue
    assert answer["listen"].endswith(f":{site.port}")


def test_a_second_db_pool_joins_while_it_serves_and_shares_the_work(site, status):
    with load(lambda n: choices(site, n).status) as answers:
        second = site.start_pool("db", "--threads", "3")
        site.gateway.wait_line(rf"pool_ready.*service=db.*pid={second.pid}\b.*threads=3")
        site.gateway.until(lambda: all(
            pool["served"] > 20 for pool in status(site)["pools"] if pool["service"] == "db"), 30)
    assert set(answers) == {200}
    assert pids(status(site), "db") == {pool.pid for pool in site.pools["db"]}


def test_a_pool_that_leaves_by_sigterm_loses_nothing(site, status):
    site.start_pool("db")
    site.gateway.until(lambda: len(pids(status(site), "db")) == 2)
    with load(lambda n: choices(site, n).status) as answers:
        site.gateway.until(lambda: len(answers) > 50)
        site.pools["db"][0].stop()
        site.gateway.until(lambda: len(pids(status(site), "db")) == 1)
        seen = len(answers)
        site.gateway.until(lambda: len(answers) > seen + 50)
    assert set(answers) == {200}


@pytest.mark.parametrize("service", ["db", "session", "password"])
def test_a_killed_pool_is_replaced_and_the_site_serves_on(site, status, service):
    kill(site.pools[service][0])
    fresh = site.start_pool(service)
    site.gateway.until(lambda: pids(status(site), service) == {fresh.pid}, 20)
    site.await_ready()
    question, options = site.question()
    assert site.program(site.account()).post(f"/questions/{question}/vote",
                                             {"choice_id": options[0]}).code == 0
    form = {"name": "n", "email": f"{service}@example.com", "password": "correct horse"}
    assert site.program().post("/register", form).code == 0


def test_votes_cast_while_a_pool_is_killed_count_exactly_once(site, status):
    site.start_pool("db")
    site.gateway.until(lambda: len(pids(status(site), "db")) == 2)
    question, options = site.question()
    voters = [(site.program(user), f"{user:032x}") for user in site.accounts(150)]
    victim = site.pools["db"][0]

    def cast(voter):
        client, request_id = voter
        form = {"choice_id": options[0], "request_id": request_id}
        for _ in range(5):
            answer = client.post(f"/questions/{question}/vote", form)
            if answer.status != 503:
                break
        return answer.status

    calls = [lambda voter=voter: cast(voter) for voter in voters]
    calls.insert(40, lambda: kill(victim))
    assert [status for status in together(calls, 30) if status] == [200] * 150
    assert site.votes(question) == [150, 0]


def test_two_gateways_share_the_pools_and_the_log_ins(site, status):
    second, port = site.start_gateway()
    second.until(lambda: Client(port).get("/readyz").status == 200)
    browser = site.browser(user=1)
    elsewhere = Client(port, browser.accept)
    elsewhere.cookies = browser.cookies
    assert browser.get("/").status == elsewhere.get("/").status == 200
    assert elsewhere.post("/logout").status == 303
    assert browser.get("/").status == 302


# ---- no pool -------------------------------------------------------------------------------------


def test_without_any_pool_every_page_that_needs_one_says_so_at_once(process, sample_database, redis,
                                                                    ipc_dir):
    site = Site(process, sample_database, redis, ipc_dir, pools=())
    time_limit = {"timeout": 5}
    session = "a" * 64
    assert Client(site.port).get("/hello").status == 200
    assert Client(site.port).get("/login").status == 200
    assert (ready := Client(site.port).get("/readyz")).status == 503
    assert ready.text == "no pool of: db session password\n"
    asked = [("GET", path) for path in ("/", "/questions", "/questions/mine", "/questions/new",
                                        "/questions/1", "/question/1/choice", "/questions/1/results")]
    asked += [("POST", path) for path in ("/logout", "/questions/1/vote", "/questions/1/close")]
    site.gateway.until(lambda: Client(site.port).get("/question/1/choice").status == 503)
    for method, path in asked:
        for client in (site.browser(), site.program(), site.curl()):
            client.cookies["sessionid"] = session
            answer = client.request(method, path, **time_limit)
            assert answer.status == 503 and answer.headers["Retry-After"] in ("1", "2", "3"), path
            assert client.accept or method == "POST" or answer.headers["X-Request-Id"] in answer.text
    form = {"name": "n", "email": "n@example.com", "password": "correct horse"}
    for path in ("/register", "/login"):
        answer = site.program().post(path, {**form, "account": "n@example.com"})
        assert (answer.status, answer.code) == (503, 20011)
    answer = site.browser().post("/register", form)
    assert answer.status == 503 and "现在有点忙" in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


def test_a_stuck_database_is_answered_in_time_and_the_vote_counts_at_most_once(own_site):
    site = own_site("--set", "gateway.deadline_ms=1500")
    question, options = site.question()
    user = site.account()
    with contextlib.closing(site.database.connect(autocommit=False)) as locker:
        with locker.cursor() as cursor:
            cursor.execute("SELECT id FROM question WHERE id = %s FOR UPDATE", question)
        before = time.monotonic()
        form = {"choice_id": options[0], "request_id": "ab" * 16}
        answer = site.program(user).post(f"/questions/{question}/vote", form)
        assert answer.status == 503 and answer.code == 20011 and answer.headers["Retry-After"]
        assert time.monotonic() - before < 10
        assert choices(site).status == 200, "reading goes on"
    assert site.program(user).post(f"/questions/{question}/vote", form).status == 200
    assert site.votes(question) == [1, 0]


# ---- ending --------------------------------------------------------------------------------------


def test_the_gateway_finishes_what_runs_at_sigterm(site, status):
    question, options = site.question()
    user = site.account()
    with contextlib.closing(site.database.connect(autocommit=False)) as locker:
        with locker.cursor() as cursor:
            cursor.execute("SELECT id FROM question WHERE id = %s FOR UPDATE", question)
        answers = []
        voter = threading.Thread(target=lambda: answers.append(
            site.program(user).post(f"/questions/{question}/vote", {"choice_id": options[0]})))
        voter.start()
        site.gateway.until(lambda: any(
            pool["writes_in_flight"] for pool in status(site)["pools"] if pool["service"] == "db"))
        site.gateway.send(signal.SIGTERM)
        site.gateway.wait_line("gateway_stopping")
        assert site.gateway.running()
        locker.rollback()
    voter.join(20)
    assert answers[0].status == 200
    assert site.gateway.wait() == 0
    assert site.votes(question) == [1, 0]
