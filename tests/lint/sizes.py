"""No file over 600 lines, no C function over 80, unless sizes_allowed.txt gives the reason.

Prints the largest, so that growth is seen before it hurts.
"""
import re

from files import read, report, with_suffix

FILE_MAX, FUNCTION_MAX = 600, 80
START = re.compile(r"^(?![#/ \t}]).*?\b(\w+)\(")


def functions(text):
    """(name, first line, lines) of each function: its body opens and closes at column one."""
    name, first = None, 0
    for number, line in enumerate(text.splitlines(), 1):
        if match := START.match(line):
            name, first = match[1], number
        if line == "{":
            first = number
        if line == "}" and name:
            yield name, first, number - first + 1
            name = None


def allowed():
    """{`path` or `path:function`: reason} from lines `what  reason`."""
    pairs = (line.split(None, 1) for line in read("tests/lint/sizes_allowed.txt").splitlines()
             if line.strip() and not line.startswith("#"))
    return {what: reason for what, reason in pairs}


def main():
    measured = []
    for path in with_suffix(".c", ".h", ".def", ".py", ".sh", ".js", ".css"):
        text = read(path)
        measured.append((len(text.splitlines()), FILE_MAX, str(path), f"{path}:1"))
        if path.suffix in (".c", ".h"):
            measured += [(lines, FUNCTION_MAX, f"{path}:{name}", f"{path}:{first}: {name}")
                         for name, first, lines in functions(text)]
    reasons = allowed()
    over = {what for lines, most, what, _ in measured if lines > most}
    for most in (FILE_MAX, FUNCTION_MAX):
        for lines, _, what, _ in sorted((m for m in measured if m[1] == most), reverse=True)[:5]:
            print(f"{lines:5} {what}")
    findings = [f"{where}: {lines} lines, at most {most}" for lines, most, what, where in measured
                if lines > most and what not in reasons]
    findings += [f"tests/lint/sizes_allowed.txt: {what} is small enough now"
                 for what in reasons if what not in over]
    report(findings)


main()
