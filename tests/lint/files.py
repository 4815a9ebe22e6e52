"""The project's own files, and how a rule reports: a line `path:line: what` for each finding."""
import os
import pathlib
import sys

ROOT = pathlib.Path(os.environ.get("VOTE_LINT_ROOT", pathlib.Path(__file__).resolve().parents[2]))
NOT_OURS = {".git", ".pytest_cache", "build", "var", "node_modules", "artefacts", "__pycache__"}


def all_files():
    """Every text file of the tree, as a path relative to it, sorted."""
    found = []
    for directory, names, files in os.walk(ROOT):
        names[:] = sorted(n for n in names if n not in NOT_OURS)
        for name in files:
            path = pathlib.Path(directory, name)
            if name not in NOT_OURS and not path.is_symlink() and b"\0" not in path.read_bytes()[:8000]:
                found.append(path.relative_to(ROOT))
    return sorted(found)


def with_suffix(*suffixes, under=None):
    return [p for p in all_files()
            if p.suffix in suffixes and (under is None or p.parts[0] in under)]


def read(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def report(findings):
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)
