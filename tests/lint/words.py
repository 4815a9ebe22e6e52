"""No notes-to-self, and no path of the machine that a file was written on."""
import pathlib
import re

from files import all_files, read, report

NOTE = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b(?!\.md)")
PLACE = re.compile(r"(?<![\w.$}/:-])/(home|root|work|Users|mnt|srv)/\w")
EXEMPT = {pathlib.Path("LICENSE")}


def main():
    findings = []
    for path in all_files():
        if path in EXEMPT:
            continue
        for number, line in enumerate(read(path).splitlines(), 1):
            if match := NOTE.search(line):
                findings.append(f"{path}:{number}: a note to self: {match[0]}")
            if match := PLACE.search(line):
                findings.append(f"{path}:{number}: a path of one machine: {match[0]}")
    report(findings)


main()
