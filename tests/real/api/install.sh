#!/bin/bash
# A JSON API with bearer tokens: Django REST framework, with tokens of django-rest-knox, a new one at each login.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=$("$here/../python.sh" 3.11)
if [ ! -e "$APP_DIR/old/bin/django-admin" ]; then
    "$python" -m venv "$APP_DIR/old"
    "$APP_DIR/old/bin/pip" install -q "django==4.2.16" "djangorestframework==3.15.2" "django-rest-knox==5.0.2"
fi
rm -rf "$APP_DIR/site" && cp -r "$here/site" "$APP_DIR/site"
rm -f "$APP_DIR/api.db"
cd "$APP_DIR/site"
DATABASE=$APP_DIR/api.db PYTHONDONTWRITEBYTECODE=1 "$APP_DIR/old/bin/python" fill.py
