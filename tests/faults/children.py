"""The checker's own small supervisor: direct children, started again when they end, signalled by
their pidfd, so that no signal ever reaches a process that is not ours."""
import os
import signal
import subprocess
import threading
import time

RESTART_S = 0.2


class Child:
    """One program, kept running until stop(). A death that nobody here caused is kept in .accidents,
    and so is an end by SIGTERM with another status than 0 (a sanitizer's findings show there).

    The thread that spawns it lives as long as it does: if the checker dies, the kernel kills it."""

    def __init__(self, name, command, log, env=None, cwd=None, controlled=False, restart_s=RESTART_S):
        self.name, self.log = name, log
        self.command = ["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)]
        self.accidents = []
        self.starts = 0
        self.down = []  # [since, until or None]: when it was told to die, or was stopped
        self._env, self._cwd, self._controlled, self._restart_s = env, cwd, controlled, restart_s
        self._lock = threading.Condition()
        self._wanted, self._doomed, self._stopped = True, None, False
        self._popen, self._end = None, -1
        self._thread = threading.Thread(target=self._keep, name=name, daemon=True)
        self._thread.start()
        with self._lock:
            self._lock.wait_for(lambda: self.starts or self.accidents, 10)

    # ---- its thread ----------------------------------------------------------------------------

    def _keep(self):
        while True:
            with self._lock:
                if not self._wanted:
                    return
                with open(self.log, "ab") as log:
                    self._popen = subprocess.Popen(
                        self.command, stdout=log, stderr=subprocess.STDOUT, env=self._env,
                        cwd=self._cwd, start_new_session=True,
                        stdin=subprocess.PIPE if self._controlled else subprocess.DEVNULL)
                self._end = os.pidfd_open(self._popen.pid)
                self._doomed = None
                self.starts += 1
                self._lock.notify_all()
            os.waitid(os.P_PIDFD, self._end, os.WEXITED | os.WNOWAIT)
            with self._lock:
                self._ended(self._popen.wait())
                self._lock.notify_all()
                if self._wanted:
                    self._lock.wait_for(lambda: not self._wanted, self._restart_s)

    def _ended(self, status):
        os.close(self._end)
        self._end = -1
        self._stopped = False
        if self._doomed is None:
            self.accidents.append(f"{self.name} ended by itself: {status}")
            self.down.append([time.monotonic(), None])
        elif self._doomed == signal.SIGTERM and status != 0:
            self.accidents.append(f"{self.name} ended with {status} after SIGTERM")

    # ---- for the nemesis -----------------------------------------------------------------------

    def _send(self, number):
        if self._end < 0:
            return False
        signal.pidfd_send_signal(self._end, number)
        return True

    def _end_by(self, number):
        with self._lock:
            if self._end < 0 or self._doomed is not None:
                return False
            self._doomed = number
            self.down.append([time.monotonic(), None])
            if self._stopped:
                self._send(signal.SIGCONT)
            self._stopped = False
            return self._send(number)

    def kill(self):
        """SIGKILL; it comes back by itself."""
        return self._end_by(signal.SIGKILL)

    def terminate(self):
        """SIGTERM; it must end with status 0 and comes back by itself."""
        return self._end_by(signal.SIGTERM)

    def freeze(self):
        with self._lock:
            if self._end < 0 or self._doomed is not None or self._stopped:
                return False
            self._stopped = True
            self.down.append([time.monotonic(), None])
            return self._send(signal.SIGSTOP)

    def thaw(self):
        with self._lock:
            if self._stopped:
                self._stopped = False
                self._send(signal.SIGCONT)

    def is_back(self):
        """Somebody saw it serve: what was down is over."""
        now = time.monotonic()
        for window in self.down:
            window[1] = window[1] or now

    def was_down(self, since, until):
        """Was it dead, dying or stopped at any time between the two?"""
        return any(start <= until and (end is None or end >= since) for start, end in self.down)

    # ---- for the site --------------------------------------------------------------------------

    def tell(self, line):
        self._popen.stdin.write(line.encode() + b"\n")
        self._popen.stdin.flush()

    @property
    def pid(self):
        return self._popen.pid

    def await_start(self, count, timeout=20.0):
        """Until it has been started `count` times; false when it takes too long."""
        with self._lock:
            return self._lock.wait_for(lambda: self.starts >= count and self._end >= 0, timeout)

    def stop(self, timeout=30.0):
        """SIGTERM for good; SIGKILL, and an accident, when it does not end in time."""
        with self._lock:
            self._wanted = False
            self._lock.notify_all()
        self.thaw()
        self._end_by(signal.SIGTERM)
        self._thread.join(timeout)
        if self._thread.is_alive():
            self.accidents.append(f"{self.name} did not end within {timeout} s of SIGTERM")
            with self._lock:
                self._doomed = signal.SIGKILL
                self._send(signal.SIGKILL)
            self._thread.join(timeout)

    def last_words(self, size=1500):
        with open(self.log, "rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - size))
            return log.read().decode(errors="replace")
