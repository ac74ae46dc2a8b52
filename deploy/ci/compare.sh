#!/bin/sh
# Replays captured production traffic to a new version of the application, and fails where it answers in a way that nobody
# has accepted. The report is left in report.json and report.html.
#
#   TARGET    where the new version is, for example http://127.0.0.1:3000
#   CAPTURE   the capture, made with capture.answers = "body"
#   ACCEPTED  the report whose causes are accepted (default: accepted.json beside this script)
#   RULES     a file of rules, if there is one
#   ERRORS    how many requests may stay without an answer (default: 1%)
#
# Exit code 0: nothing new. 2: a new cause, or too many errors. 1: it could not be compared.
set -eu

: "${TARGET:?is where the new version is, for example http://127.0.0.1:3000}"
: "${CAPTURE:?is the file with the captured traffic}"
here=$(dirname "$0")
accepted=${ACCEPTED:-$here/accepted.json}

# The report of an earlier run must not be taken for that of this one.
rm -f report.json report.html

set -- "$CAPTURE" --to "$TARGET" --speed max --compare --format json --output report.json \
    --fail-on 'new-causes>0' --fail-on "errors>${ERRORS:-1%}"
if [ -f "$accepted" ]; then
    set -- "$@" --since "$accepted"
elif [ -n "${ACCEPTED:-}" ]; then
    echo "$0: there is no $accepted: every cause is new" >&2
fi
if [ -n "${RULES:-}" ]; then
    set -- "$@" --rules "$RULES"
fi

code=0
shadowtee replay "$@" || code=$?
if [ -f report.json ]; then
    # What the replay said counts, whatever becomes of these.
    shadowtee report report.json || true
    shadowtee report report.json --format html --output report.html || true
fi
exit "$code"
