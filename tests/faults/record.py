"""What the clients saw: every attempt, and what follows from the attempts for those that come after.

An attempt's outcome:
  OK        the site said yes: 200 with error_code 0, or 303
  REFUSED   the site said no for good, and why: 4xx
  UNKNOWN   it may or may not have been done: sent (or partly), and answered 5xx or not at all. A 503
            is unknown too: its request may have expired in a pool that was just committing it.
  NOT_SENT  no byte of it left: the connection was refused"""
import dataclasses
import threading

OK, REFUSED, UNKNOWN, NOT_SENT = "ok", "refused", "unknown", "not sent"


@dataclasses.dataclass(slots=True)
class Attempt:
    kind: str
    request_id: str
    voter: int  # number of the account, ours
    question: int
    choice: int
    start: float
    end: float
    outcome: str
    status: int  # HTTP; 0: no answer
    code: int  # error_code; -1: none
    receipt: str
    gateway: str
    final: bool = False  # of the last round, with nothing broken


class Record:
    """Thread-safe. Tallies are bounded from both sides: what was acknowledged before a read began must
    be in it, what was not even asked for before it ended cannot be."""

    def __init__(self):
        self.lock = threading.Lock()
        self.attempts = []
        self.violations = []  # (kind, text)
        self.reads = self.samples = 0
        self._asked, self._acknowledged = {}, {}  # choice: set of request ids
        self._final = {}  # closed question: tallies as shown
        self.longest = 0.0
        self.on_violation = lambda kind, text: None

    def violation(self, kind, text):
        with self.lock:
            self.violations.append((kind, text))
        self.on_violation(kind, text)

    def add(self, attempt):
        with self.lock:
            self.attempts.append(attempt)
            if attempt.kind == "vote" and attempt.outcome == OK:
                self._acknowledged.setdefault(attempt.choice, set()).add(attempt.request_id)

    def will_ask(self, choice, request_id):
        with self.lock:
            self._asked.setdefault(choice, set()).add(request_id)

    def floor(self, choices):
        """{choice: votes that a read which begins now must show at least}."""
        with self.lock:
            return {c: len(self._acknowledged.get(c, ())) for c in choices}

    def check_read(self, what, floor, tallies):
        """tallies: {choice: votes} as the site showed them; floor: taken before it was asked."""
        with self.lock:
            self.reads += 1
            most = {c: len(self._asked.get(c, ())) for c in tallies}
        if set(tallies) != set(floor):
            self.violation("wrong read", f"{what}: choices {sorted(tallies)}, not {sorted(floor)}")
            return
        for choice, votes in tallies.items():
            if votes < floor[choice]:
                self.violation("stale read", f"{what}: {votes} votes for choice {choice}, but "
                               f"{floor[choice]} were acknowledged before it was asked for")
            if votes > most[choice]:
                self.violation("invented vote", f"{what}: {votes} votes for choice {choice}, but only "
                               f"{most[choice]} were ever asked for")

    def check_final(self, question, tallies):
        """The results of a closed question: whoever sees them sees the same."""
        with self.lock:
            first = self._final.setdefault(question, tallies)
        if first != tallies:
            self.violation("closed results changed", f"question {question}: {first}, then {tallies}")

    @property
    def final_results(self):
        with self.lock:
            return dict(self._final)
