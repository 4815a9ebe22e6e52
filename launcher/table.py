"""Prints the body of vote-call's answer, from standard input, for people: plain values as
`key: value`, a list of objects as a table with a column for each key."""
import json
import signal
import sys
import unicodedata


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def word(value):
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def table(rows):
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [columns] + [[word(row.get(key)) for key in columns] for row in rows]
    widths = [max(width(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        cells = [cell + " " * (w - width(cell)) for cell, w in zip(line, widths)]
        print("  " + "  ".join(cells).rstrip())


def is_table(value):
    return isinstance(value, list) and value and all(isinstance(row, dict) for row in value)


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader may leave early: ./vote status | head
    text = sys.stdin.read()
    if not text.strip():
        sys.exit("no answer")
    answer = json.loads(text)["body"]
    answer.pop("hops", None)  # counts by bucket: ./vote top makes sense of them
    for key, value in answer.items():
        if not is_table(value):
            print(f"  {key}: {word(value)}")
    for key, value in answer.items():
        if is_table(value):
            print(f"  {key}:")
            table(value)


main()
