"""What differs between two folders of responses (`run.sh APP:direct`): the raw material of a known.txt.

    python3 differ.py FOLDER/old FOLDER/new
"""

import difflib
import os
import re
import sys

NEVER_EQUAL = ("date", "etag", "content-length", "last-modified", "expires", "set-cookie")


def load(file):
    with open(file) as opened:
        request, status, rest = opened.read().split("\n", 2)
    head, _, body = rest.partition("\n\n")
    headers = {}
    for line in head.split("\n"):
        name, _, value = line.partition(": ")
        headers[name.lower()] = value
    return request, status, headers, body


def changes(old, new):
    if old[1] != new[1]:
        yield f"status {old[1]} -> {new[1]}"
    for name in sorted(old[2].keys() | new[2].keys()):
        before, after = old[2].get(name), new[2].get(name)
        both = before is not None and after is not None
        if before != after and not (both and name in NEVER_EQUAL):
            yield f"{name}: {before} -> {after}"[:130]
    if old[3] != new[3]:
        lines = difflib.ndiff(parts(old[3])[:400], parts(new[3])[:400])
        changed = [line.strip() for line in lines if line[0] in "-+" and line[1:].strip()]
        yield "body " + " ".join(changed)[:200]


def parts(body):
    return re.sub(r"([>}]|,)", r"\1\n", body).splitlines()


def main(old_folder, new_folder):
    found = {}
    for name in sorted(os.listdir(old_folder)):
        old, new = load(f"{old_folder}/{name}"), load(f"{new_folder}/{name}")
        kind = re.sub(r"\d+", "N", old[0])
        for change in changes(old, new):
            kinds = found.setdefault(change if change.startswith("status") else re.sub(r"\d{3,}", "N", change), {})
            kinds.setdefault(kind, name)
    for change, kinds in sorted(found.items()):
        first = " ".join(f"[{number} {kind}]" for kind, number in list(kinds.items())[:3])
        print(f"{change}  on {len(kinds)} kinds of request, {first}")


main(*sys.argv[1:])
