"""What was measured, for people: tables with the goals beside them; for programs: JSON; and a plot."""
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess

from tests.bench.cases import times

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = ("rss_kb", "pss_kb", "anonymous_kb")
PLOT = pathlib.Path(__file__).with_name("plot.gp")


def machine():
    model = next((line.partition(":")[2].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), platform.machine())
    memory = next(int(line.split()[1]) for line in open("/proc/meminfo"))
    return {"cpu": model, "cores": os.cpu_count(), "memory_gb": round(memory / 2**20, 1),
            "kernel": platform.release(), "load_before": os.getloadavg()[0],
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "commit": said("git", "rev-parse", "--short", "HEAD"),
            "changed": bool(said("git", "status", "--porcelain"))}


def said(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()


def median(rounds, figure):
    return statistics.median(one[figure] for one in rounds)


def parts(rounds, figure):
    """"gateway 5.1, db 3.0": medians by process, the largest first."""
    names = {name for one in rounds for name in one[figure]}
    found = {name: statistics.median(one[figure].get(name, 0) for one in rounds) for name in names}
    return sorted(found.items(), key=lambda pair: -pair[1])


def ratios(rounds, goal):
    ours, theirs = rounds["vote"], rounds.get(goal.other)
    if not theirs:
        return None
    return [mine[goal.figure] / other[goal.figure] if other[goal.figure] else float("inf")
            for mine, other in zip(ours, theirs)]


def total(found, kind):
    return sum(found[kind].values())


def columns(rows):
    """Rows of words, the first column to the left, the others to the right but for the last."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(word.ljust(width) if i in (0, len(row) - 1) else word.rjust(width)
                      for i, (word, width) in enumerate(zip(row, widths))).rstrip() for row in rows]


class Report:
    def __init__(self, chosen):
        self.chosen, self.away, self.tables = chosen, {}, []
        self.machine = machine()
        m = self.machine
        self.say(f"{m['date']}, {m['cores']} x {m['cpu']}, {m['memory_gb']} GB, Linux {m['kernel']}, "
                 f"commit {m['commit']}{' and changes' if m['changed'] else ''}; "
                 f"{chosen.rounds} rounds of {chosen.seconds} s")
        if m["load_before"] > 0.5 * m["cores"]:
            self.say(f"the machine is busy (load {m['load_before']:.1f}): only the counts are good")

    def say(self, text):
        print(text, flush=True)

    def add(self, case, connections, rounds):
        table = {"case": case.name, "phrase": case.phrase, "connections": connections,
                 "rounds": rounds, "goals": []}
        self.tables.append(table)
        self.say("")
        self.say(f"{case.name}: {case.phrase}; {connections} connection{'s'[:connections > 1]}")
        if case.kind in ("memory", "idle"):
            getattr(self, case.kind)(case, rounds, table)
            return
        rows = [("", "requests/s", "CPU us", "p50 ms", "p99 ms", "errors", "CPU us by process")]
        rows += [self.row(name, found) for name, found in rounds.items()]
        for line in columns(rows):
            self.say(f"  {line}")
        self.bottlenecks(rounds)
        self.goals(case, rounds, table)

    def row(self, name, rounds):
        by_process = ", ".join(f"{one} {us:.1f}" for one, us in parts(rounds, "cpu_us")
                               if us >= 0.05)
        return (name, f"{median(rounds, 'rate'):,.0f}", f"{median(rounds, 'cpu'):.1f}",
                f"{median(rounds, 'p50_us') / 1000:.2f}", f"{median(rounds, 'p99_us') / 1000:.2f}",
                str(sum(one["errors"] for one in rounds)), by_process)

    def bottlenecks(self, rounds):
        for name, found in rounds.items():
            if any(one["client_full"] for one in found):
                self.say(f"  {name}: the client was the bottleneck; its requests/s are a lower bound")
            busy = ", ".join(f"{one} {share:.2f}" for one, share in parts(found, "busy")
                             if share >= 0.01)
            self.say(f"  cores in use by {name}: {busy}; client {median(found, 'client_busy'):.2f}")

    def goals(self, case, rounds, table):
        for goal in case.goals:
            found = ratios(rounds, goal)
            row = {"goal": str(goal), "ratios": found}
            if found:
                ratio = statistics.median(found)
                row |= {"ratio": ratio, "met": goal.met(ratio)}
                self.say(f"  goal {goal}: {times(ratio)} ({times(min(found))} to {times(max(found))}), "
                         f"{'met' if goal.met(ratio) else 'NOT MET'}")
            else:
                self.say(f"  goal {goal}: not measured, {goal.other} {self.away.get(goal.other, '')}")
            table["goals"].append(row)

    def memory(self, case, rounds, table):
        rows = [("", "RSS MB", "PSS MB", "anonymous MB", "RSS MB by process")]
        for name, (found,) in rounds.items():
            rows.append((name, *(f"{total(found, kind) / 1024:.1f}" for kind in KINDS),
                         ", ".join(f"{one} {kb / 1024:.1f}" for one, kb in found["rss_kb"].items())))
        for line in columns(rows):
            self.say(f"  {line}")
        for kind in KINDS[:2]:
            text = f"{kind[:3].upper()} <= 1/4 × aiohttp"
            if "aiohttp" in rounds:
                ours, theirs = (total(rounds[name][0], kind) for name in ("vote", "aiohttp"))
                self.memory_goal(table, text, ours / theirs, 1 / 4)
            else:
                self.say(f"  goal {text}: not measured, aiohttp {self.away.get('aiohttp', '')}")

    def idle(self, case, rounds, table):
        for name, (found,) in rounds.items():
            self.say(f"  {name}: {found['idle_bytes']:,.0f} B each of {found['idle']}")
        self.memory_goal(table, "an idle connection <= 1024 B", rounds["vote"][0]["idle_bytes"] / 1024, 1)

    def memory_goal(self, table, text, ratio, bound):
        table["goals"].append({"goal": text, "ratio": ratio, "met": ratio <= bound})
        self.say(f"  goal {text}: {times(ratio)}, {'met' if ratio <= bound else 'NOT MET'}")

    # ---- files -------------------------------------------------------------------------------

    def write(self):
        self.chosen.out.mkdir(parents=True, exist_ok=True)
        file = self.chosen.out / "bench.json"
        file.write_text(json.dumps({"machine": self.machine, "rounds": self.chosen.rounds,
                                    "seconds": self.chosen.seconds, "away": self.away,
                                    "tables": self.tables}, indent=1, ensure_ascii=False) + "\n")
        self.say(f"\nall rounds: {file}")
        pages = self.chosen.out / "bench.md"
        pages.write_text("\n\n".join(self.markdown(count) for count in self.chosen.connections) + "\n")
        self.say(f"tables for a page: {pages}")
        self.plot()

    def markdown(self, connections):
        """The table of so many connections: CPU, requests/s and p50 of each contender."""
        names = ("vote", "aiohttp", "fastify", "go", "nginx")
        titles = ("vote", "aiohttp", "Fastify", "Go", "nginx")
        rows = [["work", *titles], ["---"] + ["---:"] * len(names)]
        for table in self.tables:
            if table["connections"] != connections or table["case"].startswith(("memory", "idle", "scale")):
                continue
            cells = [f"{median(found, 'cpu'):,.1f} · {median(found, 'rate'):,.0f}"
                     f" · {median(found, 'p50_us') / 1000:.2f}" if (found := table["rounds"].get(name)) else ""
                     for name in names]
            rows.append([table["phrase"], *cells])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def plot(self):
        if not shutil.which("gnuplot"):
            self.say("no plot: gnuplot is not installed")
            return
        tables = [t for t in self.tables if t["case"] not in ("memory", "idle")]
        names = list(dict.fromkeys(name for t in tables for name in t["rounds"]))
        data, picture = self.chosen.out / "bench.dat", self.chosen.out / "bench.svg"
        lines = ["\t".join(("case", *names))]
        for table in tables:
            label = f"{table['case']}/{table['connections']}"
            lines.append("\t".join((label, *(
                f"{median(table['rounds'][name], 'cpu'):.2f}" if name in table["rounds"] else "?"
                for name in names))))
        data.write_text("\n".join(lines) + "\n")
        subprocess.run(["gnuplot", "-e", f"data='{data}'; picture='{picture}'; last={len(names) + 1}",
                        PLOT], check=True)
        picture.write_text("".join(f"{line.rstrip()}\n" for line in picture.read_text().splitlines()))
        self.say(f"plot: {picture}")
