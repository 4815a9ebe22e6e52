"""Tests wait for events, with a deadline; they never sleep."""
import re

from files import read, report, with_suffix

SLEEP = {
    ".py": re.compile(r"\b(time|asyncio)\.slee" r"p\s*\(|\bimport slee" r"p\b"),
    ".c": re.compile(r"\b(u|nano|clock_nano)?slee" r"p\s*\("),
    ".js": re.compile(r"\bsetTimeou" r"t\s*\("),
}
SLEEP[".h"] = SLEEP[".c"]


def main():
    findings = []
    for path in with_suffix(*SLEEP, under={"tests"}):
        for number, line in enumerate(read(path).splitlines(), 1):
            if SLEEP[path.suffix].search(line):
                findings.append(f"{path}:{number}: a test that sleeps")
    report(findings)


main()
