"""C files are as clang-format writes them; every text file ends with one newline, without tabs in C
or blanks at line ends."""
import subprocess

from files import ROOT, all_files, read, report, with_suffix


def main():
    findings = []
    sources = with_suffix(".c", ".h")
    if sources:
        done = subprocess.run(["clang-format", "--dry-run", "--Werror", *map(str, sources)],
                              cwd=ROOT, capture_output=True, text=True)
        findings += [line for line in done.stderr.splitlines() if "error:" in line]
        if done.returncode and not findings:
            findings.append(f"clang-format: {done.stderr.strip()}")
    for path in all_files():
        text = read(path)
        if path.suffix == ".md" or path.name == "LICENSE" or "corpus" in path.parts:
            continue
        if text and not text.endswith("\n"):
            findings.append(f"{path}: no newline at its end")
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip(" \t"):
                findings.append(f"{path}:{number}: blanks at the end of the line")
    report(findings)


main()
