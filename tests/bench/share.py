"""A process with a part of a core, as if it had a slow machine of its own: a cgroup's CPU quota."""
import contextlib
import os
import pathlib

PERIOD_US = 10000
V1, V2 = pathlib.Path("/sys/fs/cgroup/cpu"), pathlib.Path("/sys/fs/cgroup")


def parent():
    return V1 if (V1 / "cpu.cfs_quota_us").is_file() else V2


def needs():
    """Why there can be none here, or None."""
    controllers = V2 / "cgroup.subtree_control"
    if parent() == V2 and not (controllers.is_file() and "cpu" in controllers.read_text().split()):
        return "the cpu controller of cgroups"
    try:
        group = parent() / f"vote-bench-{os.getpid()}"
        group.mkdir()
        group.rmdir()
    except OSError as error:
        return f"to make cgroups in {parent()}: {error.strerror}"
    return None


@contextlib.contextmanager
def limited(pids, cores):
    """Each of these processes, with all its threads, gets so much of a core while inside."""
    quota = int(PERIOD_US * cores)
    with contextlib.ExitStack() as stack:
        for pid in pids:
            group = parent() / f"vote-bench-{os.getpid()}-{pid}"
            group.mkdir()
            stack.callback(group.rmdir)
            if parent() == V1:
                (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
                (group / "cpu.cfs_quota_us").write_text(str(quota))
            else:
                (group / "cpu.max").write_text(f"{quota} {PERIOD_US}")
            (group / "cgroup.procs").write_text(str(pid))
            stack.callback((parent() / "cgroup.procs").write_text, str(pid))
        yield
