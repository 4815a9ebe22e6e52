"""A checker that never fails proves nothing: each seeded bug is caught, by the finding it deserves,
and the same faults find nothing in the real programs."""
import os
import pathlib

import pytest

from tests.faults.soak import Soak, build_dir


def without_key(site):
    site.query("ALTER TABLE vote DROP PRIMARY KEY")


BUGS = [  # bug, program, faults, what it must be caught for, more
    ("answer_before_commit", "worker", ["cut_before_commit", "cut_during_commit"],
     {"lost vote"}, {}),
    ("new_request_id_on_retry", "worker", ["cut_after_commit"],
     {"refused vote", "refused replay", "refused for nothing"}, {}),
    ("new_request_id_on_retry", "worker", ["cut_after_commit"],
     {"doubled vote"}, {"before": without_key}),
    ("join_running_read", "gateway", ["slow_reads"], {"stale read"},
     {"questions": 2, "readers": 8}),
    ("redis_after_timeout", "worker", ["late_redis"],
     {"wrong session", "changed vote"}, {}),
]
SECONDS, PAUSE_S = 7, 0.25
TRIES = 4  # whether a late answer meets another request is chance


def run(capsys, faults, **options):
    lines = []
    soak = Soak(SECONDS, 20180415, faults=faults, pause_s=PAUSE_S, say=lines.append, clients=8,
                owners=0, quick=True, **options)
    try:
        return {kind for kind, _ in soak.run()}
    finally:
        soak.report()
        soak.site.remove()
        with capsys.disabled() if os.environ.get("VOTE_SOAK_SHOW") else open(os.devnull):
            print("\n".join(lines))


@pytest.mark.parametrize("bug, program, faults, caught, more", BUGS,
                         ids=["answer_before_commit", "new_request_id_on_retry",
                              "new_request_id_on_retry_and_no_key", "join_running_read",
                              "redis_after_timeout"])
def test_a_seeded_bug_is_caught(capsys, bug, program, faults, caught, more):
    seeded = pathlib.Path(build_dir()) / "bin" / "seeded" / f"vote-{program}-{bug}"
    found = set()
    for _ in range(TRIES):
        found |= run(capsys, faults, **{program: seeded}, **more)
        if found & caught:
            break
    assert found & caught, f"found only {found}"


def test_the_same_faults_find_nothing_in_the_real_programs(capsys):
    faults = sorted({fault for row in BUGS for fault in row[2]})
    assert run(capsys, faults) == set()
