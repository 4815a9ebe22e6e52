"""./vote bench: this project beside what a user might take instead, on one machine, in one run.

Contenders take turns, a round each (A B A B …); a ratio is of two neighbours, and the median of the
rounds' ratios counts. CPU is user + system time of all server processes, MariaDB and Redis too.
"""
import argparse
import contextlib
import os
import pathlib
import shutil
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench import figures, load, memory, same, share  # noqa: E402
from tests.bench.cases import CASES  # noqa: E402
from tests.bench.contenders import ALL, MariaDB  # noqa: E402
from tests.bench.stage import READERS, Stage  # noqa: E402

WARM_UP_S = 1
START_S = 2   # of a contender, more or less
STAGE_S = 30  # of the services, the accounts and the log-ins, likewise


def options():
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(prog="./vote bench", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(names)}")
    parser.add_argument("--connections", default="64", help="e.g. 1,64,256 (default: 64)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of a round (default: 3)")
    parser.add_argument("--client-threads", type=int, default=1, help="of wrk (default: 1)")
    parser.add_argument("--voters", type=int, default=50000, help="accounts that vote")
    parser.add_argument("--without", default="", help="contenders to leave out, e.g. go,fastify")
    parser.add_argument("--quick", action="store_true",
                        help="one round of a second, few accounts: does it work at all?")
    parser.add_argument("--out", default=ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--build-dir", default=ROOT / "build" / "release", type=pathlib.Path)
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(names):
        parser.error(f"no case {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    if unknown := set(filter(None, chosen.without.split(","))) - set(ALL):
        parser.error(f"no contender {', '.join(sorted(unknown))}; there are: {', '.join(ALL)}")
    chosen.connections = [int(count) for count in chosen.connections.split(",")]
    if chosen.quick:
        chosen.rounds, chosen.seconds, chosen.voters = 1, 1, 2000
    return chosen


class Bench:
    def __init__(self, chosen, stage, contenders=tuple(ALL)):
        self.chosen, self.stage = chosen, stage
        self.away = {}  # contender: what it would need
        for name in contenders:
            kind = ALL[name]
            if name in chosen.without.split(","):
                self.away[name] = "left out"
            elif why := kind.needs():
                self.away[name] = f"needs {why}"
                print(f"{name} takes no part: it needs {why}", flush=True)

    def case(self, case, connections):
        """One table: {contender: [round, …]}."""
        with contextlib.ExitStack() as stack:
            contenders = [stack.enter_context(ALL[name](self.stage, case))
                          for name in case.contenders if name not in self.away]
            same.check(case, contenders, self.stage)
            rounds = {contender.name: [] for contender in contenders}
            if case.kind in memory.KINDS:
                for contender in contenders:
                    rounds[contender.name].append(memory.KINDS[case.kind](
                        contender, self.arguments(case, 0), connections))
                return rounds
            for contender in contenders:
                self.round(case, contender, connections, WARM_UP_S)
            for _ in range(self.chosen.rounds):
                for contender in contenders:
                    rounds[contender.name].append(
                        self.round(case, contender, connections, self.chosen.seconds))
            return rounds

    def round(self, case, contender, connections, seconds):
        if isinstance(contender, MariaDB):
            return self.select_round(contender, seconds)
        threads = 1 if case.kind == "votes" else self.chosen.client_threads
        first = questions = 0
        if case.kind == "votes":
            questions = 2 + seconds * 100_000 // self.stage.voters
            first = self.stage.questions(questions)
        urls = [url + case.path for url in contender.urls]
        figures_ = load.measure(urls, contender.processes, connections, threads, seconds,
                                self.arguments(case, first, questions))
        if case.kind == "votes":
            self.count_votes(contender, figures_, first, questions, connections)
        return figures_

    def select_round(self, contender, seconds):
        pid, start = contender.processes["mariadb"][0], time.monotonic()
        before = load.cpu_s(pid)
        said = contender.rounds(seconds)
        spent = {"mariadb": load.cpu_s(pid) - before}
        return load.judge(said, spent, 0, time.monotonic() - start, 1)

    def arguments(self, case, first, questions=0):
        stage = self.stage
        if case.kind in ("accounts", "memory"):
            return ["accounts", stage.session_file, min(READERS, stage.voters)]
        if case.kind == "questions":
            return ["questions", stage.first_question, 1000]
        if case.kind == "votes":
            return ["votes", stage.session_file, stage.voters, first, questions]
        return ["get"]

    def count_votes(self, contender, said, first, questions, connections):
        """Every vote acknowledged is a row, every row is in the tally; those under way when the load
        ended may be rows too."""
        rows, tally = self.stage.votes(first, questions)
        acknowledged = said["requests"] - said["errors"]
        said["rows"] = rows
        if rows != tally or not acknowledged <= rows <= said["requests"] + connections:
            raise SystemExit(f"{contender.name}: {acknowledged} votes acknowledged, {rows} rows, "
                             f"tallies of {tally}")


def connections_of(case, chosen):
    if case.kind == "idle" and chosen.quick:
        return [1000]
    return [case.connections] if case.connections else chosen.connections


def duration_s(chosen, away):
    """Of the whole run, so that nobody starts what they will not wait for."""
    a_contender = START_S + WARM_UP_S + chosen.rounds * chosen.seconds
    tables = [case for case in CASES if case.name in chosen.names or not chosen.names]
    return STAGE_S + sum(a_contender * len(connections_of(case, chosen))
                         * len(set(case.contenders) - set(away)) for case in tables)


def main():
    chosen = options()
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ["PATH"]
    if not shutil.which("wrk"):
        sys.exit("vote: wrk is not installed")
    report = figures.Report(chosen)
    with Stage(chosen.build_dir, chosen.voters) as stage:
        bench = Bench(chosen, stage)
        report.away = bench.away
        print(f"this takes about {duration_s(chosen, bench.away) / 60:.0f} minutes", flush=True)
        for case in CASES:
            if chosen.names and case.name not in chosen.names:
                continue
            for connections in connections_of(case, chosen):
                one = case.of_connections(connections)
                if one.share and (why := share.needs()):
                    print(f"\n{one.name}: not measured, needs {why}", flush=True)
                    continue
                report.add(one, connections, bench.case(one, connections))
    report.write()


if __name__ == "__main__":
    main()
