"""figures.py LABEL PRODUCTION_LOG SHADOW_LOG [ROWS ROWS]: how many copies ended as production's requests did."""

import collections
import difflib
import json
import re
import sys


def read(path):
    lines = {}
    for line in open(path):
        line = json.loads(line)
        # A probe has the number of its request, and comes later.
        if line["number"]:
            lines.setdefault(line["number"], line)
    return lines


def target(location):
    if location is None:
        return None
    location = re.sub(r"^https?://[^/]+", "", location)
    return re.sub(r"[0-9a-f]{8,}|\d+", "{n}", location)


label, ours, theirs = sys.argv[1], read(sys.argv[2]), read(sys.argv[3])
missing, other, wrong = [], [], []
for number, line in ours.items():
    copy = theirs.get(number)
    if copy is None:
        missing.append(line)
    elif (copy["status"], target(copy["location"])) != (line["status"], target(line["location"])):
        other.append((line, copy))
    elif line.get("shown") and not copy.get("shown"):
        wrong.append((line, copy))
alike = len(ours) - len(missing) - len(other) - len(wrong)
rows = ""
if len(sys.argv) > 5:
    sides = [open(path).read().splitlines() for path in sys.argv[4:6]]
    counts = [collections.Counter(side) for side in sides]
    lost, foreign = counts[0] - counts[1], counts[1] - counts[0]
    # Nobody writes to what another one made.
    mixed = [row for row in foreign if len(set(re.findall(r"of(\d+)x", row))) > 1]
    rows = (f", rows: {sum(counts[0].values())}, missing {sum(lost.values())}, other {sum(foreign.values())}, "
            f"of somebody else {len(mixed)}")
print(f"{label}: {len(ours)} requests, alike {alike} ({100 * alike / max(1, len(ours)):.1f} %), ended otherwise {len(other)}, "
      f"not sent {len(missing)}, another record {len(wrong)}{rows}")
for what, pairs in (("otherwise", other), ("another record", wrong)):
    for line, copy in pairs[:12]:
        print(f"  {what}: {line['number']} {line['method']} {line['target']} -> {copy['target']}: {line['status']} {line['location'] or ''}, "
              f"shadow {copy['status']} {copy['location'] or ''}")
for line in missing[:8]:
    print(f"  not sent: {line['number']} {line['method']} {line['target']}")
if rows:
    for row in list(lost.elements())[:6]:
        print(f"  - {row}")
    for row in list(foreign.elements())[:6]:
        print(f"  + {row}")
