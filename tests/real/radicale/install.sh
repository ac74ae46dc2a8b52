#!/bin/bash
# Radicale 3.0.6 and 3.6.1, each in an environment of its own, and calendars of three people.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -x "$APP_DIR/old/bin/radicale" ]; then
    "$("$here/../python.sh" 3.11)" -m venv "$APP_DIR/old"
    "$APP_DIR/old/bin/pip" -q install radicale==3.0.6 'setuptools<70'
fi
if [ ! -x "$APP_DIR/new/bin/radicale" ]; then
    "$("$here/../python.sh" 3.11)" -m venv "$APP_DIR/new"
    "$APP_DIR/new/bin/pip" -q install radicale==3.6.1
fi
python3 "$here/data.py" "$APP_DIR/filled"
