"""./vote soak: clients, a nemesis, and a verdict that can be no. See README.md beside this file.

    python3 -m tests.faults.soak [--seconds S | --minutes M] [--seed N] [--gateways N] [--pools N]
        [--clients N] [--faults NAME,…] [--worker PROGRAM] [--keep]
    python3 -m tests.faults.soak --overload | --kill-pools [--seconds S]
    python3 -m tests.faults.soak --rolling [--pool-restarts N] [--gateway-restarts N]

Exit status 0: nothing found; 1: violations, a figure missed, or a checker that broke."""
import argparse
import collections
import concurrent.futures
import contextlib
import os
import random
import sys
import threading
import time

import pymysql

from tests.faults import figures, verdict
from tests.faults.nemesis import FAULTS, Healer, Nemesis, heal
from tests.faults.people import Client, Owner, Reader, Town, Voter
from tests.faults.record import NOT_SENT, OK, REFUSED, UNKNOWN, Record
from tests.faults.site import ROOT, Site, wait_until

CHOICES = 3
RECOVERY_S, QUIET_S = 30.0, 8.0
SETTLERS = 6
OWNER_NUMBER = 1_000_000


def build_dir():
    return os.environ.get("VOTE_BUILD_DIR", str(ROOT / "build/asan"))


class Sampler(threading.Thread):
    """Whatever moment one looks: every tally is the count of its rows."""

    def __init__(self, site, record):
        super().__init__(name="sampler", daemon=True)
        self.site, self.record, self.over = site, record, threading.Event()

    def run(self):
        while not self.over.wait(0.1):
            try:
                self.look()
            except (pymysql.Error, OSError):  # MariaDB is down: the next moment
                continue

    def look(self):
        with contextlib.closing(self.site.connect(autocommit=False)) as connection:
            cursor = connection.cursor()
            while not self.over.wait(0.1):
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
                cursor.execute("SELECT id, votes FROM choice")
                tallies = dict(cursor.fetchall())
                cursor.execute("SELECT choice_id, COUNT(*) FROM vote GROUP BY choice_id")
                counts = dict(cursor.fetchall())
                connection.rollback()
                self.record.samples += 1
                for choice, votes in tallies.items():
                    if votes != counts.get(choice, 0):
                        self.record.violation("wrong tally", f"sampled: choice {choice} has votes = "
                                              f"{votes} and {counts.get(choice, 0)} rows")


class Soak:
    """One run. faults: names, or None for all. before: called with the site when it is ready."""

    def __init__(self, seconds, seed, faults=None, clients=12, pause_s=1.0, say=print, before=None,
                 owners=1, readers=2, voters=3, questions=8, quick=False, **site):
        self.seconds, self.seed, self.clients_wanted = seconds, seed, clients
        self.faults = list(FAULTS) if faults is None else list(faults)
        self.pause_s, self.say_line, self.before = pause_s, say, before
        self.owners, self.readers, self.voters, self.questions = owners, readers, voters, questions
        self.quick, self.site_options = quick, site
        self.record = Record()
        self.record.on_violation = lambda kind, text: self.say(f"VIOLATION {kind}: {text}")
        self.start = time.monotonic()
        self.numbers = {}

    def say(self, text):
        self.say_line(f"{time.monotonic() - self.start:7.2f}  {text}")

    # ---- the run -------------------------------------------------------------------------------

    def run(self):
        """The violations, as (kind, text)."""
        self.say(f"seed {self.seed}: {', '.join(self.faults) or 'no faults'}")
        site = self.site = Site(build_dir(), **self.site_options)
        try:
            self.town = Town(site, self.record)
            self.make_questions()
            if self.before:
                self.before(site)
            self.say("ready")
            self.disturb()
            self.settle()
            self.judge()
        finally:
            self.town.over.set()
            site.stop()
            for child, text in site.accidents:
                self.record.violation("accident", f"{text}\n{child.last_words()}")
            self.numbers["cuts"] = {**site.proxy_did("mariadb"), **{
                f"redis {k}": v for k, v in site.proxy_did("redis").items()}}
        return self.record.violations

    def make_questions(self):
        query = self.site.query
        query("INSERT INTO user (id, name, email, password, request_id)"
              " VALUES (%s, 'owner', 'owner@example.com', '*', RANDOM_BYTES(16))", OWNER_NUMBER)
        for question in range(1, self.questions + 1):
            query("INSERT INTO question (id, user_id, question_text, request_id)"
                  " VALUES (%s, %s, 'which?', RANDOM_BYTES(16))", question, OWNER_NUMBER)
            first = question * CHOICES
            choices = list(range(first, first + CHOICES))
            for choice in choices:
                query("INSERT INTO choice (id, question_id, choice_text) VALUES (%s, %s, %s)",
                      choice, question, str(choice))
            self.town.open(question, choices)

    def disturb(self):
        rng = random.Random(self.seed)
        self.people = [Client(self.town, rng.getrandbits(64), self.voters)
                       for _ in range(self.clients_wanted)]
        self.people += [Owner(self.town, rng.getrandbits(64), 6) for _ in range(self.owners)]
        self.people += [Reader(self.town, rng.getrandbits(64)) for _ in range(self.readers)]
        nemesis = Nemesis(self.site, rng.getrandbits(64), self.faults, self.pause_s, self.say)
        self.sampler, self.healer = Sampler(self.site, self.record), Healer(self.site)
        clock = threading.Thread(target=self.town.watch_clock, daemon=True)
        for thread in (clock, self.sampler, self.healer, *self.people):
            thread.start()
        if self.faults:
            nemesis.start()
        self.town.over.wait(self.seconds)
        nemesis.over.set()
        if self.faults:
            nemesis.join()
            self.broken(nemesis)
        self.numbers["faults"] = dict(sorted(nemesis.counts.items()))

    def broken(self, thread):
        if thread.failure:
            self.record.violation("broken checker", f"{thread.name}: {thread.failure!r}")

    def settle(self):
        """Nothing is broken any more: the site recovers by itself, and every vote gets an answer."""
        took = heal(self.site, RECOVERY_S)
        if took is None:
            self.record.violation("no recovery", f"not ready {RECOVERY_S} s after the last fault: "
                                  f"{[self.site.status(name) for name in self.site.ports]}")
        self.numbers["recovered after"] = f"{took or RECOVERY_S:.2f} s"
        self.town.over.wait(0.2 if self.quick else 2)
        self.town.over.set()
        for thread in self.people:
            thread.join(30)
            self.broken(thread)
        self.settle_votes()

    def settle_votes(self):
        """Whose outcome is unknown is asked again, with the same request; so are some known ones."""
        self.town.over.clear()
        rng = random.Random(self.seed)
        votes = [(voter, vote) for voter in self.town.voters
                 for group in voter.votes.values() for vote in group]
        again = [pair for pair in votes if pair[1].state == UNKNOWN]
        known = [pair for pair in votes if pair[1].state == OK]
        again += rng.sample(known, min(len(known), 50))
        self.numbers["unknown at the end"] = sum(vote.state == UNKNOWN for _, vote in votes)
        with concurrent.futures.ThreadPoolExecutor(SETTLERS) as threads:
            # A voter's votes stay together: a session is logged in by one thread alone.
            for part in range(SETTLERS):
                threads.submit(self.settle_some, self.people[part % len(self.people)],
                               [pair for pair in again if pair[0].number % SETTLERS == part])
        client = self.people[0]
        for question in list(self.town.all_questions):
            if not wait_until(lambda: client.read_tallies(question=question).status == 200, 15):
                self.record.violation("no answer", f"the tallies of question {question}")
        self.town.over.set()

    def settle_some(self, client, pairs):
        for voter, vote in pairs:
            if not wait_until(lambda: self.settled(client, voter, vote), 15):
                self.record.violation("no answer", f"{voter.name} on question {vote.question}: "
                                      "nothing is broken, and the vote is neither taken nor refused")

    def settled(self, client, voter, vote):
        if not voter.session:
            client.log_in(voter)
        return voter.session and client.send(voter, vote, final=True).outcome in (OK, REFUSED) \
            and voter.session

    # ---- the verdict ---------------------------------------------------------------------------

    def judge(self):
        for thread in (self.sampler, self.healer):
            thread.over.set()
            thread.join(15)
        attempts, tables = self.record.attempts, verdict.load(self.site.query)
        findings = (verdict.votes(attempts, tables, self.email) + verdict.tallies(tables)
                    + verdict.closed_results(self.record.final_results, tables)
                    + verdict.registrations(attempts, tables, self.email)
                    + verdict.questions(self.town.asked, tables) + self.books())
        for kind, text in findings:
            self.record.violation(kind, text)
        outcomes = collections.Counter((a.kind, a.outcome) for a in attempts)
        stored = {row[3] for row in tables.votes}
        unknown = [a for a in attempts if a.kind == "vote" and a.outcome == UNKNOWN]
        self.numbers.update({
            "attempts": {f"{kind} {outcome}": count for (kind, outcome), count
                         in sorted(outcomes.items())},
            "votes stored": len(tables.votes), "accounts": len(tables.users),
            "unknown attempts whose vote is there": sum(a.request_id in stored for a in unknown),
            "reads checked": self.record.reads, "tallies sampled": self.record.samples,
            "closed results checked": len(self.record.final_results),
            "longest answer of a living gateway": f"{self.record.longest:.3f} s",
            "the checker's own stalls": f"{len(self.town.stalls)}, longest "
            f"{max((e - s for s, e in self.town.stalls), default=0) * 1000:.0f} ms",
        })

    def email(self, number):
        return Voter(number).email

    def books(self):
        """Each living gateway's counters, once nothing is under way any more."""
        findings, totals = [], collections.Counter()
        for name in self.site.ports:
            wait_until(lambda: self.is_quiet(name), QUIET_S)
            status = self.site.status(name)
            if not status:
                findings.append(("accounting", f"{name} does not tell its counters"))
                continue
            findings += verdict.accounting(name, status)
            for queue in status["queues"]:
                totals.update({key: queue[key] for key in ("asked", "answered", "busy", "expired",
                                                            "lost", "retried", "late")})
        self.numbers["books of the last gateways"] = dict(totals)
        return findings

    def is_quiet(self, name):
        status = self.site.status(name)
        return status and not any(q["queued"] or q["in_flight"] for q in status["queues"])

    def report(self):
        for key, value in self.numbers.items():
            if isinstance(value, dict):
                value = ", ".join(f"{k} {v}" for k, v in value.items()) or "none"
            self.say_line(f"{key}: {value}")
        kinds = collections.Counter(kind for kind, _ in self.record.violations)
        self.say_line(f"violations: {sum(kinds.values())}"
                      + "".join(f"\n  {count} × {kind}" for kind, count in kinds.most_common()))


def options_of(arguments):
    parser = argparse.ArgumentParser(prog="./vote soak", description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--gateways", type=int, default=2)
    parser.add_argument("--pools", type=int, default=2, help="of each service")
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between faults, on average")
    parser.add_argument("--faults", help=f"some of {','.join(FAULTS)}; none: no faults")
    parser.add_argument("--worker", help="another program than the build's vote-worker")
    parser.add_argument("--keep", action="store_true", help="leave the directory with the logs")
    figure = parser.add_mutually_exclusive_group()
    figure.add_argument("--overload", action="store_true", help="3 times the peak for --seconds")
    figure.add_argument("--kill-pools", action="store_true", help="one every half second")
    figure.add_argument("--rolling", action="store_true", help="restart everything in turn under load")
    parser.add_argument("--pool-restarts", type=int, default=50)
    parser.add_argument("--gateway-restarts", type=int, default=20)
    options = parser.parse_args(arguments)
    if options.faults is not None:
        options.faults = [name for name in options.faults.split(",") if name != "none"]
        if unknown := set(options.faults) - set(FAULTS):
            parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    if options.minutes:
        options.seconds = 60 * options.minutes
    return options


def say(line):
    print(line, flush=True)


def main(arguments):
    options = options_of(arguments)
    if options.overload:
        return not figures.overload(build_dir(), options.seconds, say)
    if options.kill_pools:
        return not figures.kill_pools(build_dir(), options.seconds, say)
    if options.rolling:
        return not figures.rolling(build_dir(), options.pool_restarts, options.gateway_restarts, say)
    soak = Soak(options.seconds, options.seed, faults=options.faults, clients=options.clients,
                pause_s=options.pause, say=say, gateways=options.gateways, pools=options.pools,
                worker=options.worker)
    soak.run()
    soak.report()
    if options.keep or soak.record.violations:
        say(f"logs: {soak.site.directory}")
    else:
        soak.site.remove()
    return 1 if soak.record.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
