#!/bin/sh
# Drops copies by rule: what is not echoed is not sent. Each argument is the start of a request line.
#
#     [script]
#     command = ["sh", "scripts/drop.sh", "DELETE ", "POST /payments", "GET /admin"]
#
# A message is one line of hex digits, so that grep can do all of it: the rules become digits once. No byte of the line
# that a message begins with has 0 for its first digit, so that the first such one, 0a, is that line's end.
set -eu

rules=
for rule in "$@"; do
    digits=$(printf %s "$rule" | od -An -v -tx1 | tr -d ' \n')
    rules="${rules:+$rules|}$digits"
done

if [ -z "$rules" ]; then exec cat; fi
# An exit of 1 says that grep selected no line, which is nothing wrong.
LC_ALL=C exec grep --line-buffered -Ev "^31([1-9a-f].)*0a($rules)"
