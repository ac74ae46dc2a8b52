"""One line of figures: a report against the list of known differences.

A line of known.txt is a regular expression (case does not count) that a confirmed cause must match,
in its title, place, kind, routes, or the places that come with it. Behind ` # ` stands what it is.
Lines that begin with `expect:` name no difference: they excuse a cause from being called false.
"""

import json
import re
import sys


def text_of(cause):
    routes = " ".join(route["route"] for route in cause["routes"])
    parts = json.dumps(cause.get("parts", []), ensure_ascii=False)
    example = json.dumps(cause.get("example", {}), ensure_ascii=False)
    words = [cause["title"], str(cause["kind"]), str(cause["place"]), routes, parts, example]
    return " | ".join(words)


def main(name, report_file, known_file, traffic_file):
    with open(report_file) as file:
        report = json.load(file)
    with open(traffic_file) as file:
        sent = sum(1 for _ in file)
    known, excused = [], []
    with open(known_file) as file:
        for line in file:
            pattern = line.split(" # ")[0].strip()
            if pattern.startswith("expect:"):
                excused.append(pattern.removeprefix("expect:").strip())
            elif pattern and not pattern.startswith("#"):
                known.append(pattern)
    confirmed = [text_of(cause) for cause in report["causes"] if cause["status"] == "confirmed"]
    open_ones = len(report["causes"]) - len(confirmed)

    def matches(pattern, text):
        return re.search(pattern, text, re.IGNORECASE)

    missed = [line for line in known if not any(matches(line, text) for text in confirmed)]
    strangers = [text for text in confirmed if not any(matches(line, text) for line in known + excused)]
    requests = report["requests"]
    print(
        f"{name}: {sent} requests, {requests['compared']} compared, {requests['different']} different, "
        f"{len(confirmed)} confirmed causes ({open_ones} not certain), {len(strangers)} on no list, "
        f"known {len(known) - len(missed)}/{len(known)}"
    )
    for line in missed:
        print(f"  missed: {line}")
    for text in strangers:
        print(f"  on no list: {text[:160]}")


main(*sys.argv[1:])
