"""base <- proto <- gateway and base <- proto <- workers; third-party headers through one door each."""
import fnmatch
import re

from files import read, report, with_suffix

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)

# Who may include which of our headers: the first pattern that fits the file decides.
ARROWS = [
    ("proto/base/*", ["proto/base/*"]),
    ("proto/*", ["proto/*"]),
    ("gateway/tpl/*", ["proto/*", "gateway/tpl/*"]),
    ("gateway/http/*", ["proto/*", "gateway/http/*"]),
    ("gateway/*", ["proto/*", "gateway/*"]),
    ("workers/*", ["proto/*", "workers/*"]),
    ("tests/*", ["*"]),
]

# Which files may include which library.
DOORS = [
    ("zmq*.h", ["proto/channel*", "tests/*"]),
    ("mysql*", ["workers/db_conn.*", "tests/*"]),
    ("mariadb*", ["workers/db_conn.*", "tests/*"]),
    ("hiredis*", ["workers/redis_conn.*", "tests/*"]),
    ("cyaml/*", ["proto/config/*"]),
    ("jansson.h", ["proto/*", "tests/*"]),
    ("zlib.h", ["gateway/gzip.c", "tests/*"]),
    ("sodium*", ["workers/password_hash.*", "workers/keyed_hash.*", "tests/*"]),
    ("event2/*", ["gateway/http/event.h", "tests/*"]),
]


def fits(name, patterns):
    return any(fnmatch.fnmatch(name, p) for p in patterns)


def complaint(path, quote, header):
    name = path.as_posix()
    if quote == "<":
        for library, doors in DOORS:
            if fnmatch.fnmatch(header, library) and not fits(name, doors):
                return f"<{header}> comes in only through {', '.join(doors)}"
        return None
    if "/" not in header:
        return None if path.parts[0] == "tests" else f'"{header}" is not written from the root'
    for files, allowed in ARROWS:
        if fnmatch.fnmatch(name, files):
            return None if fits(header, allowed) else f'"{header}" is against the arrows'
    return "stands in no part of the house"


def main():
    findings = []
    for path in with_suffix(".c", ".h", ".def"):
        text = read(path)
        for match in INCLUDE.finditer(text):
            if why := complaint(path, match[1], match[2]):
                findings.append(f"{path}:{text.count(chr(10), 0, match.start(2)) + 1}: {why}")
    report(findings)


main()
