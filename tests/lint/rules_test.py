"""Every rule bites: a tree with one offence is refused, the same tree without it passes."""
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
LONG = "int f(void)\n{\n" + "    g();\n" * 80 + "}\n"

OFFENCES = [
    ("include_arrows", "proto/base/a.h", '#include "proto/message.h"\n', "against the arrows"),
    ("include_arrows", "gateway/a.c", '#include "workers/worker.h"\n', "against the arrows"),
    ("include_arrows", "workers/a.c", '#include "gateway/slot.h"\n', "against the arrows"),
    ("include_arrows", "gateway/tpl/a.c", '#include "gateway/slot.h"\n', "against the arrows"),
    ("include_arrows", "gateway/a.c", '#include "slot.h"\n', "not written from the root"),
    ("include_arrows", "workers/db_vote.c", "#include <mysql.h>\n", "only through"),
    ("include_arrows", "workers/db_vote.c", "#include <mariadb/mysql.h>\n", "only through"),
    ("include_arrows", "gateway/a.c", "#include <zmq.h>\n", "only through"),
    ("include_arrows", "gateway/a.c", "#include <jansson.h>\n", "only through"),
    ("include_arrows", "workers/a.c", "#include <event2/event.h>\n", "only through"),
    ("include_arrows", "workers/session.c", "#include <hiredis/hiredis.h>\n", "only through"),
    ("include_arrows", "gateway/a.c", "#include <zlib.h>\n", "only through"),
    ("include_arrows", "gateway/a.c", "#include <sodium.h>\n", "only through"),
    ("include_arrows", "gateway/a.c", "#include <cyaml/cyaml.h>\n", "only through"),
    ("sizes", "gateway/a.c", LONG, "82 lines, at most 80"),
    ("sizes", "gateway/a.c", "\n" * 601, "601 lines, at most 600"),
    ("words", "gateway/a.c", "/* TO" "DO */\n", "note to self"),
    ("words", "gateway/a.c", 'open("/home/' 'me/x");\n', "one machine"),
    ("format", "gateway/a.c", "int  a;\n", "a.c:1"),
    ("format", "a.yaml", "a: 1 \n", "blanks at the end"),
    ("format", "a.yaml", "a: 1", "no newline"),
    ("shell", "run.sh", "#!/usr/bin/env bash\nif\n", "syntax error"),
    ("shell", "run.sh", "#!/usr/bin/env bash\nrm $1\n", "SC2086"),
    ("sleeping", "tests/a.py", "time.slee" "p(1)\n", "sleeps"),
    ("sleeping", "tests/a.c", "uslee" "p(1);\n", "sleeps"),
]


def check(rule, root):
    return subprocess.run([sys.executable, HERE / f"{rule}.py"], capture_output=True, text=True,
                          env={**os.environ, "VOTE_LINT_ROOT": str(root)})


@pytest.fixture
def tree(tmp_path):
    good = {
        ".clang-format": (HERE.parents[1] / ".clang-format").read_text(),
        "gateway/good.c": '#include "proto/base/str.h"\n\nint a;\n',
        "workers/db_conn.c": "#include <mysql.h>\n",
        "proto/channel.c": "#include <zmq.h>\n",
        "good.sh": "#!/usr/bin/env bash\ntrue\n",
        "tests/lint/sizes_allowed.txt": "# none\n",
    }
    for name, text in good.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("rule, name, text, words", OFFENCES,
                         ids=[f"{rule}-{i}" for i, (rule, *_) in enumerate(OFFENCES)])
def test_an_offence_is_found(tree, rule, name, text, words):
    before = check(rule, tree)
    assert before.returncode == 0, before.stdout + before.stderr
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    (tree / name).write_text(text)
    after = check(rule, tree)
    assert after.returncode == 1, after.stdout + after.stderr
    assert words in after.stdout


def test_a_reason_allows_a_long_file_and_is_refused_when_it_is_short_again(tree):
    (tree / "tests/lint/sizes_allowed.txt").write_text("gateway/long.c one table\n")
    (tree / "gateway/long.c").write_text("\n" * 601)
    assert check("sizes", tree).returncode == 0
    (tree / "gateway/long.c").write_text("\n" * 10)
    done = check("sizes", tree)
    assert done.returncode == 1 and "small enough now" in done.stdout
