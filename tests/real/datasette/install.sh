#!/bin/bash
# Datasette 0.60 and 0.65.1, each in an environment of its own, and one database.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -x "$APP_DIR/old/bin/datasette" ]; then
    "$("$here/../python.sh" 3.9)" -m venv "$APP_DIR/old"
    "$APP_DIR/old/bin/pip" -q install datasette==0.60 'setuptools<70'
fi
if [ ! -x "$APP_DIR/new/bin/datasette" ]; then
    "$("$here/../python.sh" 3.11)" -m venv "$APP_DIR/new"
    "$APP_DIR/new/bin/pip" -q install datasette==0.65.1 setuptools
fi
python3 "$here/data.py" "$APP_DIR/shop.db"
