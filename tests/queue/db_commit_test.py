"""Connections that break before, while and after a write is done, cut by a proxy in between: whatever
was answered, the same request again has the same answer, and the write is there exactly once."""
import asyncio
import contextlib
import threading

import pytest

from tests.faults.proxy import Proxy
from tests.queue.db_support import HASH, ballot, new_id, registration, start_db_pool  # noqa: F401

CUTS = ("before_commit", "during_commit", "after_commit")


class Link(threading.Thread):
    """A proxy before MariaDB. What set() says goes wrong from when it returns."""

    def __init__(self, listen, upstream):
        super().__init__(daemon=True)
        self.path = listen
        self._proxy, self._up = Proxy("mysql", str(listen), upstream), threading.Event()
        self.start()
        self._up.wait()

    def run(self):
        asyncio.run(self._serve())

    async def _serve(self):
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_unix_server(self._proxy.on_connection, self._proxy.listen):
            self._up.set()
            await self._over.wait()
            for line in list(self._proxy.lines):
                line.cut()

    def _call(self, function):
        async def call():
            return function()
        return asyncio.run_coroutine_threadsafe(call(), self._loop).result()

    def set(self, **faults):
        self._call(lambda: self._proxy.faults.update(faults))

    def left(self, fault):
        """How often it is still to happen."""
        return self._call(lambda: self._proxy.faults[fault])

    def close(self):
        self._loop.call_soon_threadsafe(self._over.set)
        self.join()


@pytest.fixture(scope="module")
def link(services, ipc_dir):
    one = Link(ipc_dir / "proxy.sock", services["mariadb_socket"])
    yield one
    one.close()


@pytest.fixture(scope="module")
def pool(sample_database, start_db_pool, link):  # noqa: F811
    one = start_db_pool(sample_database, settings=("--set", f"databases.default.socket={link.path}"))
    one.user(), one.choices(1)  # both connections are there
    return one


def votes(pool, question):
    return pool.sql("SELECT user_id, LOWER(HEX(receipt)) FROM vote WHERE question_id = %s", question)


@pytest.mark.parametrize("fault", CUTS)
def test_a_vote_whose_commit_loses_its_connection_is_stored_once_and_answered(pool, link, fault):
    user = pool.user()
    question, choices = pool.question(user)
    vote = ballot(user, question, choices[0])
    link.set(**{fault: 1})
    receipt = pool.ok("vote_cast", **vote)["receipt"]
    assert link.left(fault) == 0
    assert votes(pool, question) == ((user, receipt),)
    assert pool.ok("vote_cast", **vote)["receipt"] == receipt
    pool.check_tallies()


@pytest.mark.parametrize("fault", CUTS)
def test_a_vote_whose_commit_is_lost_twice_is_not_answered_ok_and_may_come_again(pool, link, fault):
    user = pool.user()
    question, choices = pool.question(user)
    vote = ballot(user, question, choices[1])
    link.set(**{fault: 2})
    answer = pool.ask("vote_cast", **vote)
    link.set(**{fault: 0})  # the second time there may have been nothing left to commit
    assert answer.status == "UNAVAILABLE"
    receipt = pool.ok("vote_cast", **vote)["receipt"]
    assert votes(pool, question) == ((user, receipt),)
    pool.check_tallies()


@pytest.mark.parametrize("fault", CUTS)
def test_a_crowd_whose_commits_are_cut_again_and_again_counts_each_vote_once(pool, link, fault):
    owner, *voters = pool.users(41)
    question, choices = pool.question(owner)
    waiting = [ballot(voter, question, choices[voter % 2]) for voter in voters]
    receipts = {}
    for cuts in (3, 3, 2, 1, 0):
        link.set(**{fault: cuts})
        slots = {pool.send("vote_cast", **one): one for one in waiting}
        waiting = []
        for slot, one in slots.items():
            answer = pool.gateway.answer(slot)
            assert answer.status in ("OK", "UNAVAILABLE"), answer
            if answer.status == "OK":
                receipts[one["user_id"]] = answer.body["receipt"]
            else:
                waiting.append(one)
    assert not waiting
    assert dict(votes(pool, question)) == receipts and len(receipts) == 40
    pool.check_tallies()


@pytest.mark.parametrize("fault", CUTS)
def test_what_a_lost_commit_was_about_is_not_changed_by_what_came_meanwhile(pool, link, fault):
    """The same person again, with another request, is told of the vote there is."""
    user = pool.user()
    question, choices = pool.question(user)
    first, other = ballot(user, question, choices[0]), ballot(user, question, choices[1])
    link.set(**{fault: 1})
    assert pool.status("vote_cast", **first) == "OK"
    assert pool.status("vote_cast", **other) == "ALREADY_VOTED"
    assert pool.status("vote_cast", **first) == "OK"
    assert [choice["votes"] for choice in pool.choices(question)] == [1, 0]


# ---- every other write --------------------------------------------------------------------------


def registering(pool):
    body = registration()
    return "user_create", body, "SELECT COUNT(*) FROM user WHERE email = %s", (body["email"],)


def asking(pool):
    body = {"request_id": new_id(), "user_id": pool.user(), "question_text": "?", "closes_at": "",
            "choices": [{"choice_text": "a"}, {"choice_text": "b"}]}
    return ("question_create", body, "SELECT COUNT(DISTINCT q.id) * (COUNT(*) = 2) FROM question q"
            " JOIN choice c ON c.question_id = q.id WHERE q.user_id = %s", (body["user_id"],))


def closing(pool):
    user = pool.user()
    body = {"question_id": pool.question(user)[0], "user_id": user}
    return ("question_close", body, "SELECT COUNT(*) FROM question WHERE id = %s AND closes_at IS NOT NULL",
            (body["question_id"],))


def deleting(pool):
    user = pool.user()
    body = {"question_id": pool.question(user)[0], "user_id": user}
    return ("question_delete", body, "SELECT COUNT(*) FROM question WHERE id = %s AND delete_flag = 1",
            (body["question_id"],))


def changing_password(pool):
    body = {"user_id": pool.user(), "old_hash": HASH, "new_hash": HASH.replace("p=1", "p=2")}
    return ("user_password_set", body, "SELECT COUNT(*) FROM user WHERE id = %s AND password LIKE '%%p=2%%'",
            (body["user_id"],))


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("write, fault", [
    *((write, "after_execute") for write in (registering, closing, deleting, changing_password)),
    *((asking, cut) for cut in CUTS)])
def test_a_write_that_loses_its_connection_is_done_once_and_has_one_answer(pool, link, write, fault, times):
    message, body, count, parameters = write(pool)
    link.set(**{fault: times})
    first = pool.ask(message, **body)
    link.set(**{fault: 0})
    assert first.status == "OK" or (times == 2 and first.status == "UNAVAILABLE")
    pool.process.until(lambda: pool.status(message, **body) == "OK")  # it may wait before it connects
    again = [pool.ok(message, **body) for _ in range(2)]
    assert again[0] == again[1]
    assert first.status != "OK" or first.body == again[0]
    assert pool.sql(count, *parameters) == ((1,),)


# ---- what is found is on the disk, too ----------------------------------------------------------


def voting(pool):
    user = pool.user()
    question, choices = pool.question(user)
    return "vote_cast", ballot(user, question, choices[0])


def log_position(pool, name):
    return int(pool.admin(f"SHOW GLOBAL STATUS LIKE 'Innodb_lsn_{name}'")[0][1])


@contextlib.contextmanager
def commits_not_on_disk(pool):
    """While inside, an answered write is what another's is for a moment: seen, and not on the disk."""
    pool.admin("SET GLOBAL innodb_flush_log_at_trx_commit = 0")
    try:
        yield
    finally:
        pool.admin("SET GLOBAL innodb_flush_log_at_trx_commit = 1")


@pytest.mark.parametrize("write", [voting, registering, asking, closing, deleting])
def test_a_write_that_comes_again_is_answered_when_it_is_on_the_disk(pool, write):
    message, body, *_ = write(pool)
    with commits_not_on_disk(pool):
        first = pool.ok(message, **body)
        written = log_position(pool, "current")
    before = pool.settled()
    assert pool.ok(message, **body) == first
    assert log_position(pool, "flushed") >= written  # once a second it is flushed anyway…
    assert pool.settled() == before + 1  # … but not by chance


@pytest.mark.parametrize("write, change", [
    (voting, {"request_id": "0" * 32}), (registering, {"request_id": "0" * 32}), (asking, {"question_text": "??"}),
    (closing, {"user_id": 1}), (deleting, {"user_id": 1})])
def test_a_refusal_writes_nothing(pool, write, change):
    message, body, *_ = write(pool)
    pool.ok(message, **body)
    before = pool.settled()
    assert pool.status(message, **{**body, **change}) in ("ALREADY_VOTED", "ACCOUNT_TAKEN", "INVALID", "NOT_FOUND")
    assert pool.settled() == before
