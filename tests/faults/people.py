"""The clients: each thread plays a handful of voters over plain HTTP and records what it saw."""
import http.client
import json
import random
import re
import secrets
import threading
import time
import urllib.parse

from tests.faults.record import NOT_SENT, OK, REFUSED, UNKNOWN, Attempt
from tests.faults.site import DEADLINE_S, DEADLINE_SLACK_S, wait_until

HTML, JSON = "text/html", "application/json"
PASSWORD = "correct horse"
NAME = re.compile(r"soaker-\d+(?=\D)")
LOGGED_OUT, ALREADY_VOTED, CLOSED, TAKEN = 20010, 20006, 20007, 20001
PATIENCE_S = DEADLINE_S + 10  # with a gateway that lives: past it no answer will come


class Answer:
    __slots__ = ("status", "body", "headers", "start", "end", "sent", "gateway")

    @property
    def code(self):
        try:
            return json.loads(self.body)["error_code"]
        except (ValueError, KeyError, TypeError):
            return -1

    @property
    def outcome(self):
        """As record.py defines them. A 401 or a redirect to the log-in page was refused, too."""
        if not self.sent:
            return NOT_SENT
        if self.status in (200, 303) and self.code in (-1, 0):
            return OK
        if self.status == 302 or 400 <= self.status < 500:
            return REFUSED
        return REFUSED if self.status == 200 and self.code in (TAKEN, 20003, 20004) else UNKNOWN


class Web:
    """Requests to one of the gateways, on a connection kept or new. Not thread-safe."""

    def __init__(self, endpoints, rng):
        self.endpoints, self.rng = endpoints, rng
        self.kept = {}

    def request(self, method, path, form=None, cookie=None, accept=JSON, gateway=None):
        answer = Answer()
        answer.status, answer.body, answer.headers, answer.sent = 0, b"", {}, False
        answer.gateway = gateway or self.rng.choice(list(self.endpoints))
        connection = self.kept.pop(answer.gateway, None) or http.client.HTTPConnection(
            "127.0.0.1", self.endpoints[answer.gateway], timeout=PATIENCE_S)
        fields = {"Accept": accept}
        if cookie:
            fields["Cookie"] = f"sessionid={cookie}"
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form)
            fields["Content-Type"] = "application/x-www-form-urlencoded"
        answer.start = time.monotonic()
        try:
            if connection.sock is None:
                connection.connect()
            answer.sent = True  # from here on a part of it may have left
            connection.request(method, path, body, fields)
            response = connection.getresponse()
            answer.body = response.read()
            answer.status, answer.headers = response.status, response.headers
        except (OSError, http.client.HTTPException):
            answer.status = 0
        answer.end = time.monotonic()
        if answer.status and not response.will_close and self.rng.random() < 0.7:
            self.kept[answer.gateway] = connection
        else:
            connection.close()
        return answer

    def close(self):
        for connection in self.kept.values():
            connection.close()


class Vote:
    """One request to vote, however often it is sent."""
    __slots__ = ("request_id", "question", "choice", "receipt", "state", "started")

    def __init__(self, question, choice):
        self.request_id, self.question, self.choice = secrets.token_hex(16), question, choice
        self.receipt, self.state, self.started = None, NOT_SENT, None


class Voter:
    def __init__(self, number):
        self.number = number
        self.name, self.email = f"soaker-{number}", f"soaker-{number}@example.com"
        self.request_id = secrets.token_hex(16)
        self.registered, self.session = UNKNOWN, None
        self.votes = {}  # question: the Votes, in order


class Town:
    """What the clients share: the questions, the numbers of the voters, when to stop."""

    def __init__(self, site, record):
        self.site, self.record = site, record
        self.endpoints = site.ports
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.questions = {}  # open question: its choices
        self.all_questions = {}
        self.closed_at = {}  # question: when its closing was acknowledged
        self.voters = []
        self.asked = {}  # request id of a question: (owner, text, id or None)
        self.stalls = []  # (start, end) when this process itself did not run

    def new_voter(self):
        with self.lock:
            voter = Voter(len(self.voters) + 1)
            self.voters.append(voter)
        return voter

    def open(self, question, choices):
        with self.lock:
            self.all_questions[question] = self.questions[question] = choices

    def close(self, question):
        with self.lock:
            self.questions.pop(question, None)

    def open_questions(self):
        with self.lock:
            return list(self.questions.items())

    def stall(self, start, end):
        """Seconds between the two in which this process was not run."""
        return sum(min(end, e) - max(start, s) for s, e in list(self.stalls) if s < end and e > start)

    def watch_clock(self):
        """A thread that wants to wake every 10 ms: what it is late by, everybody here is."""
        while not self.over.is_set():
            before = time.monotonic()
            self.over.wait(0.01)
            after = time.monotonic()
            if after - before > 0.03:
                self.stalls.append((before + 0.01, after))


class Client(threading.Thread):
    """One thread, its own voters, everything it does drawn from its own random numbers."""

    def __init__(self, town, seed, voters):
        super().__init__(name=f"client-{seed}", daemon=True)
        self.town, self.record = town, town.record
        self.rng = random.Random(seed)
        self.web = Web(town.endpoints, self.rng)
        self.voters = [town.new_voter() for _ in range(voters)]
        self.failure = None

    def run(self):
        acts = [(act, weight) for act, weight in (
            (self.vote, 34), (self.replay, 12), (self.vote_twice_at_once, 8), (self.vote_again, 6),
            (self.read_tallies, 18), (self.read_results, 8), (self.read_home, 12),
            (self.register_again, 2), (self.log_in, 1))]
        try:
            while not self.town.over.is_set():
                voter = self.rng.choice(self.voters)
                if voter.registered != OK:
                    self.register(voter)
                elif not voter.session:
                    self.log_in(voter)
                else:
                    self.rng.choices([a for a, _ in acts], [w for _, w in acts])[0](voter)
        except Exception as error:  # a bug of the checker, told at the end
            self.failure = error
            raise
        finally:
            self.web.close()

    # ---- asking --------------------------------------------------------------------------------

    def ask(self, method, path, voter=None, web=None, **options):
        answer = (web or self.web).request(method, path, cookie=voter and voter.session, **options)
        self.check_time(f"{method} {path}", answer)
        if not answer.status or answer.status >= 500:
            self.town.over.wait(0.05)  # nobody hammers a site that is down
        if voter and (answer.status == 401 or answer.status == 302):
            voter.session = None
        return answer

    def check_time(self, what, answer):
        if not answer.sent or self.town.site.children[answer.gateway].was_down(answer.start, answer.end):
            return
        took = answer.end - answer.start
        allowed = DEADLINE_S + DEADLINE_SLACK_S + self.town.stall(answer.start, answer.end)
        self.record.longest = max(self.record.longest, took)
        if took > allowed:
            self.record.violation("late answer", f"{what} from {answer.gateway} took {took:.3f} s "
                                  f"({answer.status or 'no answer'})")

    def note(self, kind, answer, request_id, voter, question=0, choice=0, receipt="", final=False):
        attempt = Attempt(kind, request_id, voter.number, question, choice, answer.start, answer.end,
                          answer.outcome, answer.status, answer.code, receipt, answer.gateway, final)
        self.record.add(attempt)
        return attempt

    # ---- accounts ------------------------------------------------------------------------------

    def register(self, voter):
        answer = self.ask("POST", "/register", form={
            "name": voter.name, "email": voter.email, "phone": "", "password": PASSWORD,
            "request_id": voter.request_id})
        attempt = self.note("register", answer, voter.request_id, voter)
        if attempt.outcome == OK:
            voter.registered = OK
        elif attempt.outcome == REFUSED:
            self.record.violation("refused replay", f"registering {voter.name} was refused: "
                                  f"{answer.status} {answer.body[:200]!r}")

    def register_again(self, voter):
        """The same request once more: the same answer."""
        self.register(voter)

    def log_in(self, voter):
        answer = self.ask("POST", "/login", form={"account": voter.email, "password": PASSWORD})
        self.note("login", answer, "", voter)
        if answer.status == 302:
            match = re.match(r"sessionid=([^;]+)", answer.headers.get("Set-Cookie", ""))
            voter.session = match and match[1]
        elif answer.outcome == REFUSED:
            self.record.violation("lost account", f"{voter.name} is registered and cannot log in: "
                                  f"{answer.status} {answer.body[:200]!r}")

    def read_home(self, voter):
        """Whose page is it?"""
        answer = self.ask("GET", self.rng.choice(("/", "/questions")), voter, accept=HTML)
        if answer.status != 200:
            return
        names = set(NAME.findall(answer.body.decode(errors="replace")))
        if names != {voter.name}:
            self.record.violation("wrong session", f"{voter.name} was shown the page of "
                                  f"{', '.join(sorted(names)) or 'nobody'}")

    # ---- votes ---------------------------------------------------------------------------------

    def send(self, voter, vote, web=None, final=False):
        html = not final and self.rng.random() < 0.2
        self.record.will_ask(vote.choice, vote.request_id)
        vote.started = vote.started or time.monotonic()
        answer = self.ask("POST", f"/questions/{vote.question}/vote", voter, web,
                          accept=HTML if html else JSON,
                          form={"choice_id": vote.choice, "request_id": vote.request_id})
        receipt = ""
        if answer.outcome == OK and answer.status == 200:
            receipt = json.loads(answer.body)["receipt"]
        attempt = self.note("vote", answer, vote.request_id, voter, vote.question, vote.choice,
                            receipt, final)
        self.judge(voter, vote, attempt)
        return attempt

    def judge(self, voter, vote, attempt):
        """What this answer must be, after those that came before it was sent."""
        with self.town.lock:
            before, receipt = vote.state, vote.receipt
            if attempt.outcome == OK:
                vote.state = OK
                vote.receipt = vote.receipt or attempt.receipt
            elif attempt.outcome == UNKNOWN and vote.state != OK:
                vote.state = UNKNOWN
            elif attempt.outcome == REFUSED and attempt.code != LOGGED_OUT and attempt.status != 302:
                vote.state = REFUSED if vote.state == NOT_SENT else vote.state
        if attempt.outcome == OK and receipt and attempt.receipt not in ("", receipt):
            self.record.violation("another receipt", f"{voter.name} on question {vote.question}: "
                                  f"{receipt}, then {attempt.receipt}")
        if before == OK and attempt.code in (ALREADY_VOTED, CLOSED):
            self.record.violation("refused replay", f"{voter.name} on question {vote.question}: "
                                  f"acknowledged, then the same request got {attempt.code}")
        closed = self.town.closed_at.get(vote.question)
        if attempt.outcome == OK and closed and vote.started > closed:
            self.record.violation("vote after closing", f"{voter.name} on question {vote.question}")

    def insist(self, voter, vote):
        """After an unknown outcome a person tries again; the request id makes that safe."""
        for _ in range(self.rng.randrange(4)):
            if vote.state != UNKNOWN or not voter.session:
                return
            self.send(voter, vote)

    def new_vote(self, voter, again=False):
        questions = [(q, c) for q, c in self.town.open_questions() if (q in voter.votes) == again]
        if not questions:
            return None
        question, choices = self.rng.choice(questions)
        vote = Vote(question, self.rng.choice(choices))
        voter.votes.setdefault(question, []).append(vote)
        return vote

    def vote(self, voter):
        if vote := self.new_vote(voter):
            self.send(voter, vote)
            self.insist(voter, vote)
        else:  # has voted on everything: somebody new moves in
            self.voters[self.voters.index(voter)] = self.town.new_voter()

    def vote_again(self, voter):
        """Another request on a question where one was sent already: at most one of them counts."""
        if vote := self.new_vote(voter, again=True):
            self.send(voter, vote)

    def replay(self, voter):
        votes = [v for vs in voter.votes.values() for v in vs if v.state in (OK, UNKNOWN)]
        if votes:
            self.send(voter, self.rng.choice(votes))

    def vote_twice_at_once(self, voter):
        """A double click: one request twice, or two different ones."""
        first = self.new_vote(voter)
        if not first:
            return
        second = first
        if self.rng.random() < 0.5:
            second = Vote(first.question, self.rng.choice(self.town.all_questions[first.question]))
            voter.votes[first.question].append(second)
        other = Web(self.town.endpoints, random.Random(self.rng.random()))
        click = threading.Thread(target=self.send, args=(voter, second, other), daemon=True)
        click.start()
        self.send(voter, first)
        click.join()
        other.close()

    # ---- reading -------------------------------------------------------------------------------

    def read_tallies(self, voter=None, question=None):
        question = question or self.rng.choice(list(self.town.all_questions))
        floor = self.record.floor(self.town.all_questions[question])
        answer = self.ask("GET", f"/questions/{question}/choice")
        if answer.status == 200:
            self.record.check_read(f"question {question} from {answer.gateway}", floor,
                                   {row["id"]: row["votes"] for row in json.loads(answer.body)})
        return answer

    def read_results(self, voter, question=None):
        question = question or self.rng.choice(list(self.town.all_questions))
        floor = self.record.floor(self.town.all_questions[question])
        known = [v for v in voter.votes.get(question, ()) if v.state == OK]
        answer = self.ask("GET", f"/questions/{question}/results", voter)
        if answer.status != 200:
            return answer
        body = json.loads(answer.body)
        tallies = {row["id"]: row["votes"] for row in body["choices"]}
        self.record.check_read(f"results {question} from {answer.gateway}", floor, tallies)
        if body["closed"]:
            self.record.check_final(question, tallies)
        mine = (body.get("my_choice_id"), body.get("receipt"))
        if mine[0] and known and mine != (known[0].choice, known[0].receipt or mine[1]):
            self.record.violation("wrong receipt", f"{voter.name} on question {question} sees {mine}, "
                                  f"not {(known[0].choice, known[0].receipt)}")
        if mine[0] and question not in voter.votes:
            self.record.violation("wrong session", f"{voter.name} sees a vote on {question}, where "
                                  "they never voted")
        return answer


class Reader(Client):
    """Nobody in particular, who looks at the tallies again and again."""

    def __init__(self, town, seed):
        super().__init__(town, seed, 0)

    def run(self):
        try:
            while not self.town.over.is_set():
                self.read_tallies()
        except Exception as error:
            self.failure = error
            raise
        finally:
            self.web.close()


class Owner(Client):
    """Asks questions, lets people vote, closes them and watches that the results stay."""

    def __init__(self, town, seed, life_s):
        super().__init__(town, seed, 1)
        self.voters[0].name = f"asker-{self.voters[0].number}"  # it stands on everybody's pages
        self.life_s = life_s
        self.mine = []  # (question, when to close it)
        self.timed = []  # (question, when it begins to close by itself)

    def run(self):
        try:
            voter = self.voters[0]
            while not self.town.over.wait(0.2):
                if voter.registered != OK:
                    self.register(voter)
                elif not voter.session:
                    self.log_in(voter)
                elif self.mine and time.monotonic() > self.mine[0][1]:
                    self.close(voter, self.mine[0][0])
                elif self.timed and time.monotonic() > self.timed[0][1]:
                    self.watch_closing(voter, self.timed[0][0])
                elif len(self.mine) + len(self.timed) < 3:
                    self.ask_question(voter)
                elif self.town.closed_at:
                    self.read_results(voter, self.rng.choice(list(self.town.closed_at)))
        except Exception as error:
            self.failure = error
            raise
        finally:
            self.web.close()

    def ask_question(self, voter):
        request_id, text = secrets.token_hex(16), f"question {secrets.token_hex(4)}?"
        self.town.asked[request_id] = None
        answered = None
        for _ in range(40):
            answer = self.ask("POST", "/questions/new", voter, form=[
                ("text", text), ("choice", "a"), ("choice", "b"), ("request_id", request_id)])
            self.note("question", answer, request_id, voter)
            if answer.outcome == OK:
                number = json.loads(answer.body)["id"]
                if answered and number != answered:
                    self.record.violation("another receipt", f"{text}: {answered}, then {number}")
                if answered or self.rng.random() < 0.5:
                    break
                answered = number
            elif answer.outcome == REFUSED and answer.code == LOGGED_OUT:
                self.log_in(voter)
            elif self.town.over.wait(0.1):
                return
        else:
            return
        self.town.asked[request_id] = number
        rows = wait_until(lambda: self.choices_of(number), 30)
        self.town.open(number, rows)
        closes = time.monotonic() + self.life_s * (1 + self.rng.random())
        if self.rng.random() < 0.5 and self.closes_by_itself(number, int(closes - time.monotonic())):
            self.timed.append((number, closes - 1.5))
        else:
            self.mine.append((number, closes))

    def choices_of(self, question):
        try:
            return [row[0] for row in self.town.site.query(
                "SELECT id FROM choice WHERE question_id = %s ORDER BY id", question)]
        except Exception:  # MariaDB is down: asked again
            return None

    def closes_by_itself(self, question, seconds):
        """To the second; the form could say it to the minute alone."""
        try:
            self.town.site.query("UPDATE question SET closes_at = UTC_TIMESTAMP() + INTERVAL %s SECOND"
                                 " WHERE id = %s", seconds, question)
        except Exception:  # MariaDB is down: it may or may not close
            return False
        return True

    def watch_closing(self, voter, question):
        """Read its results without a pause over the moment when it closes; votes go on meanwhile."""
        until = time.monotonic() + 5
        while time.monotonic() < until and not self.town.over.is_set():
            answer = self.read_results(voter, question)
            if answer.status == 200 and json.loads(answer.body)["closed"]:
                self.town.closed_at[question] = answer.end
                self.town.close(question)
                self.timed.pop(0)
                return

    def close(self, voter, question):
        answer = self.ask("POST", f"/questions/{question}/close", voter, form={})
        self.note("close", answer, "", voter, question)
        if answer.outcome == OK:
            self.town.closed_at[question] = answer.end
            self.town.close(question)
            self.mine.pop(0)
            self.read_results(voter, question)
