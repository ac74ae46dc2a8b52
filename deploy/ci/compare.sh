#!/bin/sh
# Replays captured production traffic to a new version of the application, and fails where it answers in a way that nobody
# has accepted: exit code 2. The report is left in report.json and report.html.
#
# To accept what differs, look at report.html, and commit report.json as accepted.json.
#
#   TARGET    where the new version is, for example http://127.0.0.1:3000
#   CAPTURE   the capture, made with capture.answers = "body"
#   ACCEPTED  the report whose causes are accepted (default: accepted.json beside this script)
#   RULES     a file of rules, if there is one
set -eu

here=$(dirname "$0")
accepted=${ACCEPTED:-$here/accepted.json}

set -- "$CAPTURE" --to "$TARGET" --speed max --compare --format json --output report.json --fail-on 'new-causes>0'
if [ -f "$accepted" ]; then
    set -- "$@" --since "$accepted"
fi
if [ -n "${RULES:-}" ]; then
    set -- "$@" --rules "$RULES"
fi

code=0
shadowtee replay "$@" || code=$?
if [ -f report.json ]; then
    shadowtee report report.json
    shadowtee report report.json --format html --output report.html
fi
exit "$code"
