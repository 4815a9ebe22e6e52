"""The figures: overload, pools killed under load, rolling restarts. Run by hand, on a quiet machine.

Each makes a site of its own, without the fault proxies, with fresh accounts that are logged in
already; load.py is the load, in a process of its own."""
import itertools
import json
import os
import pwd
import resource
import secrets
import shutil
import subprocess
import sys
import threading
import time

from tests.faults import verdict
from tests.faults.site import ROOT, Site, wait_until
from tests.fixtures.process import free_port

USERS, CHOICES = 4000, 3
VOTES = 0.5  # of all requests


class Ground:
    """A site with people and questions on it."""

    def __init__(self, build, questions, say, **site):
        self.say = say
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        self.site = Site(build, proxied=False, **site)
        self.used, self.acknowledged = 0, []
        self.ports = list(self.site.ports.values())
        self.sessions = [secrets.token_hex(32) for _ in range(USERS)]
        self.questions = {q: list(range(q * CHOICES, q * CHOICES + CHOICES))
                          for q in range(1, questions + 1)}
        self.fill()

    def fill(self):
        query, cache = self.site.query, self.site.cache.pipeline()
        rows = ", ".join(f"({n}, 'v{n}', 'v{n}@example.com', '*', RANDOM_BYTES(16))"
                         for n in range(1, USERS + 1))
        query(f"INSERT INTO user (id, name, email, password, request_id) VALUES {rows}")
        rows = ", ".join(f"({q}, 1, 'which?', RANDOM_BYTES(16))" for q in self.questions)
        query(f"INSERT INTO question (id, user_id, question_text, request_id) VALUES {rows}")
        rows = ", ".join(f"({c}, {q}, 'this')" for q, cs in self.questions.items() for c in cs)
        query(f"INSERT INTO choice (id, question_id, choice_text) VALUES {rows}")
        for number, session in enumerate(self.sessions, 1):
            value = json.dumps({"created": int(time.time()), "session": {"uid": number}})
            cache.set(f"sessionid_{session}", value, ex=36000)
        cache.execute()

    def load(self, phases, votes=VOTES, connections=64, meanwhile=None):
        """The report of load.py; meanwhile(over) runs in a thread until the event `over` is set."""
        plan = {"ports": self.ports, "phases": phases, "votes": votes, "connections": connections,
                "sessions": self.sessions, "questions": self.questions, "skip": self.used}
        over = threading.Event()
        thread = threading.Thread(target=meanwhile, args=(over,)) if meanwhile else None
        # Clients are elsewhere in life: here the site goes before them.
        process = subprocess.Popen(["nice", "-n", "19", sys.executable, ROOT / "tests/faults/load.py"],
                                   text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdin.write(json.dumps(plan) + "\n")
        process.stdin.flush()
        if thread:
            thread.start()
        report = json.loads(process.communicate()[0])
        over.set()
        if thread:
            thread.join()
        if report["never answered"]:
            report["statuses"]["vote or read never answered"] = report["never answered"]
        self.used = report["next"]
        self.acknowledged += report["acknowledged"]
        if self.used > USERS * len(self.questions):
            raise RuntimeError("more votes than voters and questions: the figure counts for nothing")
        return report

    def peak(self, seconds=8, votes=VOTES):
        """Good answers a second when clients wait for their answers; the first second is warm-up."""
        report = self.load([[seconds, 0]], votes)
        slices = report["slices"][10:int(seconds * 10)]
        rate = sum(s.get("good", 0) for s in slices) * 10 / len(slices)
        self.say(f"peak: {rate:.0f} good answers/s ({report['statuses']})")
        return rate

    def promises(self):
        """(lost, doubled): acknowledged votes that are not there; rows too many, and wrong tallies."""
        tables = verdict.load(self.site.query)
        stored = {int(row[3], 16) - 1 for row in tables.votes}
        pairs = {(row[0], row[1]) for row in tables.votes}
        lost = sum(vote not in stored for vote in self.acknowledged)
        return lost, len(tables.votes) - len(pairs) + len(verdict.tallies(tables))

    def end(self):
        self.site.stop()
        for child, text in self.site.accidents:
            self.say(f"ACCIDENT {text}\n{child.last_words()}")
        self.site.remove()
        return not self.site.accidents


def failed(report, kind):
    """(failed, all) of a kind of request: vote or read."""
    counts = {k: n for k, n in report["statuses"].items() if k.startswith(kind)}
    return sum(n for k, n in counts.items() if k != f"{kind} 200"), sum(counts.values())


def overload(build, seconds, say):
    """Three times what it can do: most of the peak is still done, and soon after all is well."""
    # Votes alone, and a small db pool for them: the load has to come from this machine, too.
    ground = Ground(build, 300, say, gateways=1, pools=1,
                    settings={"databases.default.maxsize": 2, "pools.batch_max": 1})
    try:
        peak = ground.peak(votes=1)
        report = ground.load([[5, peak / 2], [seconds, 3 * peak], [8, peak / 2]], votes=1)
        slices = report["slices"]
        sent = sum(s.get("sent", 0) for s in slices[60:50 + int(seconds * 10)]) / (seconds - 1)
        good = sum(s.get("good", 0) for s in slices[60:50 + int(seconds * 10)]) / (seconds - 1)
        usual = sorted(s["p50"] for s in slices[10:50])[35]
        after = slices[50 + int(seconds * 10):130 + int(seconds * 10)]
        bad = [i for i, s in enumerate(after) if s["p50"] > max(2 * usual, 0.05)
               or s.get("good_when_sent", 0) < s.get("sent", 0)]
        back = (bad[-1] + 1) / 10 if bad else 0.0
        lacking = [i for i, s in enumerate(after) if s.get("good_when_sent", 0) < s.get("sent", 0)]
        say("sent and good of each half second after it, and the typical answer in ms: " + ", ".join(
            f"{sum(s.get('sent', 0) for s in half)}/{sum(s.get('good_when_sent', 0) for s in half)}/"
            f"{max(s['p50'] for s in half) * 1000:.0f}"
            for half in (after[i:i + 5] for i in range(0, len(after), 5))))
        say(f"offered {sent:.0f}/s ({sent / peak:.1f} × peak): goodput {good:.0f}/s, "
            f"{100 * good / peak:.0f} % of peak; {report['statuses']}")
        say(f"after the overload: all good again after {(lacking[-1] + 1) / 10 if lacking else 0:.1f} s, "
            f"the typical answer as fast as before after {back:.1f} s")
        lost, doubled = ground.promises()
        say(f"lost {lost}, doubled {doubled}")
        return good >= 0.9 * peak and back <= 2 and not lost and not doubled and ground.end()
    finally:
        ground.site.stop()


def kill_pools(build, seconds, say):
    """A pool dies by SIGKILL every half second, at 70 % of the peak."""
    ground = Ground(build, 120, say, gateways=2, pools=3,
                    settings={"databases.default.maxsize": 2, "pools.batch_max": 8})
    kills = itertools.count()

    def nemesis(over):
        victims = itertools.cycle([p for p in ground.site.pools if not p.name.startswith("pass")])
        while not over.wait(0.5):
            if next(victims).kill():
                next(kills)

    try:
        peak = ground.peak()
        report = ground.load([[seconds, 0.7 * peak]], meanwhile=nemesis)
        errors = failed(report, "vote")[0] + failed(report, "read")[0]
        total = sum(report["statuses"].values())
        lost, doubled = ground.promises()
        say(f"{next(kills)} kills: {errors} of {total} requests failed, {100 * errors / total:.2f} %; "
            f"{report['statuses']}")
        say(f"lost {lost}, doubled {doubled}")
        return errors <= 0.005 * total and not lost and not doubled and ground.end()
    finally:
        ground.site.stop()


NGINX = """daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
user {user};
error_log {directory}/nginx-error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {directory}/nginx-body;
    proxy_temp_path {directory}/nginx-proxy;
    fastcgi_temp_path {directory}/nginx-fastcgi;
    uwsgi_temp_path {directory}/nginx-uwsgi;
    scgi_temp_path {directory}/nginx-scgi;
    upstream site {{
        {servers}
        keepalive 64;
    }}
    server {{
        listen 127.0.0.1:{port};
        keepalive_requests 100000;
        location / {{
            proxy_pass http://site;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_next_upstream error timeout non_idempotent;
            proxy_next_upstream_timeout 5s;
        }}
    }}
}}
"""


def start_nginx(ground):
    """nginx in front of the gateways; a vote may be asked again: it carries its request id."""
    directory, port = ground.site.directory, free_port()
    servers = "\n        ".join(f"server 127.0.0.1:{p} max_fails=0;" for p in ground.ports)
    (directory / "nginx.conf").write_text(NGINX.format(
        directory=directory, port=port, servers=servers, user=pwd.getpwuid(os.getuid()).pw_name))
    ground.site.start_child("nginx", "nginx", "-c", directory / "nginx.conf", "-e",
                            directory / "nginx-error.log")
    ground.site.ports["nginx"] = port
    answers = wait_until(lambda: ground.site.answers("nginx"), 10)
    del ground.site.ports["nginx"]
    if not answers:
        raise RuntimeError(ground.site.children["nginx"].last_words())
    ground.ports = [port]


def rolling(build, pools, gateways, say):
    """Every pool, then every gateway behind nginx, restarted in turn under load."""
    if not shutil.which("nginx", path="/usr/sbin:/usr/bin"):
        say("nginx is missing: apt-get install nginx")
        return False
    ground = Ground(build, 300, say, gateways=2, pools=2)
    start_nginx(ground)
    site = ground.site

    def restart(children, count, over):
        for child, _ in zip(itertools.cycle(children), range(count)):
            starts = child.starts
            child.terminate()
            if not child.await_start(starts + 1) or not wait_until(site.is_ready, 20):
                say(f"{child.name} does not come back")
                break
        over.done = time.monotonic()

    good = True
    try:
        rate = 0.4 * ground.peak(6)
        for what, children, count in (("pools", site.pools, pools), ("gateways", site.gateways, gateways)):
            over = threading.Event()
            thread = threading.Thread(target=restart, args=(children, count, over))
            thread.start()
            reads, votes, seconds, start = [0, 0], [0, 0], 0, time.monotonic()
            while thread.is_alive():
                report = ground.load([[5, rate]])
                reads = [a + b for a, b in zip(reads, failed(report, "read"))]
                votes = [a + b for a, b in zip(votes, failed(report, "vote"))]
            seconds = over.done - start
            lost, doubled = ground.promises()
            say(f"{count} restarts of {what} in {seconds:.0f} s at {rate:.0f}/s: {reads[0]} of {reads[1]} "
                f"reads failed, {votes[0]} of {votes[1]} votes; lost {lost}, doubled {doubled}")
            good = good and not reads[0] and not lost and not doubled
        return ground.end() and good
    finally:
        site.stop()
