"""A process with a part of a core, as if it had a slow machine of its own: a cgroup's CPU quota."""
import contextlib
import pathlib

PERIOD_US = 10000
V1, V2 = pathlib.Path("/sys/fs/cgroup/cpu"), pathlib.Path("/sys/fs/cgroup")


def needs():
    """Why there can be none here, or None."""
    if (V1 / "cpu.cfs_quota_us").is_file():
        parent = V1
    elif (V2 / "cgroup.subtree_control").is_file():
        parent = V2
        if "cpu" not in (V2 / "cgroup.subtree_control").read_text().split():
            return "the cpu controller of cgroups"
    else:
        return "cgroups"
    try:
        with limited([], 0.5):
            return None
    except OSError as error:
        return f"to make cgroups in {parent}: {error.strerror}"


@contextlib.contextmanager
def limited(pids, cores):
    """Each of these processes, with all its threads, gets so much of a core while inside."""
    quota = int(PERIOD_US * cores)
    with contextlib.ExitStack() as stack:
        for number, pid in enumerate(pids or [None]):
            first = V1 if (V1 / "cpu.cfs_quota_us").is_file() else V2
            group = first / f"vote-bench-{id(stack):x}-{number}"
            group.mkdir()
            stack.callback(group.rmdir)
            if first == V1:
                (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
                (group / "cpu.cfs_quota_us").write_text(str(quota))
            else:
                (group / "cpu.max").write_text(f"{quota} {PERIOD_US}")
            if pid:
                (group / "cgroup.procs").write_text(str(pid))
                stack.callback((first / "cgroup.procs").write_text, str(pid))
        yield
