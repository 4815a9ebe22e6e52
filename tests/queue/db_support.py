"""A db pool with a database of its own, and short ways to people, questions and votes."""
import contextlib
import os
import pwd
import secrets

import pymysql
import pytest

from tests.fixtures.queues import Gateway

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA"


def new_id():
    return secrets.token_hex(16)


class Pool:
    """One running db pool and its database. ask() sends and waits for the answer."""

    def __init__(self, gateway, peer, process, database):
        self.gateway, self.peer, self.process, self.database = gateway, peer, process, database

    def send(self, message, **body):
        return self.gateway.send(self.peer, message, body)

    def ask(self, message, **body):
        return self.gateway.ask(self.peer, message, body)

    def ok(self, message, **body):
        answer = self.ask(message, **body)
        assert answer.status == "OK", answer
        return answer.body

    def status(self, message, **body):
        return self.ask(message, **body).status

    def fields(self, message, **body):
        """The fields an INVALID answer names."""
        answer = self.ask(message, **body)
        assert answer.status == "INVALID", answer
        return {field["name"]: field["reason"] for field in answer.body["fields"]}

    def sql(self, statement, *parameters):
        return self.database.query(statement, *parameters)

    def user(self, **changes):
        """A new account's id."""
        return self.ok("user_create", **registration(**changes))["user_id"]

    def users(self, count):
        """Ids of many new accounts, made at once."""
        slots = [self.send("user_create", **registration()) for _ in range(count)]
        return [self.gateway.answer(slot).body["user_id"] for slot in slots]

    def question(self, owner, choices=("甲", "乙"), text="哪个?", closes_at=""):
        """A new question: its id and the ids of its choices."""
        question = self.ok("question_create", request_id=new_id(), user_id=owner, question_text=text,
                           choices=[{"choice_text": choice} for choice in choices],
                           closes_at=closes_at)["question_id"]
        return question, [choice["id"] for choice in self.choices(question)]

    def choices(self, question):
        return self.ok("choice_list", question_id=question)["choices"]

    def get(self, question, user=0):
        return self.ask("question_get", question_id=question, user_id=user)

    def vote(self, user, question, choice, request_id=None):
        return self.ask("vote_cast", **ballot(user, question, choice, request_id))

    @contextlib.contextmanager
    def writer_held(self, question):
        """While inside, the pool's one writing thread waits for this question's row; what is sent
        meanwhile waits behind it and becomes one batch."""
        with contextlib.closing(self.database.connect(autocommit=False)) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SELECT id FROM question WHERE id = %s FOR UPDATE", (question,))
            self.send("vote_cast", **ballot(1, question, 1))
            self.await_locking()
            yield
            connection.rollback()

    def admin(self, statement):
        """As the server's administrator: what the account of the pool may not do."""
        connection = pymysql.connect(
            unix_socket=self.database.address["mariadb_socket"], database=self.database.name,
            user=pwd.getpwuid(os.getuid()).pw_name, autocommit=True)
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def await_locking(self, clause="LOCK IN SHARE MODE"):
        """Until a statement of the pool with this in it is at work (what it waits for is locked)."""
        self.process.until(lambda: self.admin(
            "SELECT 1 FROM information_schema.processlist WHERE command = 'Execute'"
            f" AND db = '{self.database.name}' AND info LIKE '%{clause}%'"))

    def await_queued(self, count):
        """Until so many requests wait in the pool, by its own word."""
        self.gateway.expect(lambda f: f.message == "heartbeat" and f.body["queued"] >= count)

    def settled(self):
        """How often a transaction that wrote nothing else wrote this, for its COMMIT to reach the disk."""
        return self.sql("SELECT COALESCE(SUM(n), 0) FROM settled")[0][0]

    def check_tallies(self):
        """votes = COUNT(*) for every choice there is."""
        assert self.sql("SELECT c.id, c.votes FROM choice c WHERE c.votes <>"
                        " (SELECT COUNT(*) FROM vote v WHERE v.choice_id = c.id)") == ()


def registration(**changes):
    return {"request_id": new_id(), "name": "小满", "email": f"{secrets.token_hex(8)}@example.com",
            "phone": "", "password_hash": HASH, **changes}


def ballot(user, question, choice, request_id=None):
    return {"request_id": request_id or new_id(), "user_id": user, "question_id": question,
            "choice_id": choice}


ASKS = {  # one of each message, on the sample data
    "user_create": registration(),
    "user_by_account": {"account": "xiaoman@example.com"},
    "user_get": {"user_id": 1, "with_votes": True},
    "user_password_set": {"user_id": 1, "old_hash": HASH, "new_hash": HASH},
    "question_list": {"before": 0, "limit": 50},
    "question_mine": {"user_id": 1, "before": 0, "limit": 50},
    "question_get": {"question_id": 1, "user_id": 1},
    "question_create": {"request_id": new_id(), "user_id": 1, "question_text": "?", "closes_at": "",
                        "choices": [{"choice_text": "a"}, {"choice_text": "b"}]},
    "question_close": {"question_id": 1, "user_id": 1},
    "question_delete": {"question_id": 7, "user_id": 1},
    "choice_list": {"question_id": 1},
    "vote_cast": ballot(1, 1, 1),
}


@pytest.fixture(scope="module")
def start_db_pool(module_process, ipc_dir):
    """start_db_pool(database, gateway=None, THREADS…): another pool, by default at a new gateway."""
    with contextlib.ExitStack() as stack:
        def start(database, gateway=None, threads=2, settings=()):
            if gateway is None:
                gateway = stack.enter_context(
                    contextlib.closing(Gateway(f"ipc://{ipc_dir}/gateway-{new_id()[:8]}.ipc")))
            process = module_process("vote-worker", "db", "--threads", str(threads), "--gateway",
                                     gateway.endpoint, "--set", "pools.heartbeat_ms=20",
                                     *database.settings, *settings)
            return Pool(gateway, gateway.ready().peer, process, database)

        yield start


@pytest.fixture(scope="module")
def pool(sample_database, start_db_pool):
    """A pool with one reading and one writing thread, on the sample data."""
    return start_db_pool(sample_database)
