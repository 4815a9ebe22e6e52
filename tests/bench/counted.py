"""A site whose processes count their own work: system calls by strace, allocations by
count_mallocs. Both are numbers of this program, not of the machine it runs on."""
import collections
import os
import pathlib
import re
import struct
import subprocess
import time

from tests.conftest import ROOT, SANITIZERS
from tests.fixtures.process import Process

CALL = re.compile(r"^\d+ +(\d+\.\d+) (?:<\.\.\. )?(\w+)")
# The allocator's memory is counted as allocations; waiting for locks is the scheduler's affair.
NOT_COUNTED = {"mmap", "munmap", "madvise", "mprotect", "brk", "mremap", "futex"}
# No beats while counting, and always the same thread: no new connection in between.
QUIET = [word for pair in ("pools.heartbeat_ms=60000", "pools.dead_ms=600000",
                           "gateway.deadline_ms=60000", "pools.db_threads=1",
                           "pools.session_threads=1") for word in ("--set", pair)]


def preloads(program):
    """AddressSanitizer's library where the program has it, then ours."""
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    sanitizer = re.findall(r"=> (\S*libasan\S*)", linked)
    return ":".join([*sanitizer, str(program.parent / "count_mallocs.so")])


class Counted(Process):
    """One process. calls(start, end): its system calls between two moments of time.time(), by name,
    to be asked when it has ended."""

    def __init__(self, build_dir, directory, number, program, *arguments):
        stem = f"{number}-{program}-{arguments[0] if program == 'vote-worker' else ''}"
        self.trace, self.mallocs_file = directory / f"{stem}.trace", directory / f"{stem}.mallocs"
        binary = build_dir / "bin" / program
        sanitizers = dict(SANITIZERS)
        # The leak check stops threads the way strace does; both at once is not possible.
        sanitizers["ASAN_OPTIONS"] += ":detect_leaks=0"
        environment = {**os.environ, **sanitizers, "VOTE_COUNT_FILE": str(self.mallocs_file)}
        super().__init__(
            ["strace", "-D", "-f", "-qq", "-ttt", "-s", "0", "-e", "signal=none", "-o", self.trace,
             "-E", f"LD_PRELOAD={preloads(binary)}", binary, *arguments, *QUIET,
             "--config", ROOT / "config" / "vote.yaml"],
            directory / f"{stem}.log", environment, ROOT)

    @property
    def mallocs(self):
        return struct.unpack("@Q", self.mallocs_file.read_bytes())[0]

    def calls(self, start, end):
        found = collections.Counter()
        with open(self.trace) as lines:
            for line in lines:
                match = CALL.match(line)
                if match and "resumed>" not in line and match[2] not in NOT_COUNTED \
                        and start <= float(match[1]) < end:
                    found[match[2]] += 1
        return found


class Window:
    """What happened while it was open, in each process."""

    def __init__(self, processes):
        self.processes = processes

    def __enter__(self):
        self.start = time.time()
        self.mallocs = {name: process.mallocs for name, process in self.processes.items()}
        return self

    def __exit__(self, *_):
        self.end = time.time()
        self.mallocs = {name: process.mallocs - self.mallocs[name]
                        for name, process in self.processes.items()}

    def calls(self):
        """{process: {system call: times}}, once the processes have ended."""
        return {name: process.calls(self.start, self.end)
                for name, process in self.processes.items()}
