#!/bin/bash
# Django 3.2 and 5.1, each in an environment of its own, a project made by django-admin, and one database.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -x "$APP_DIR/old/bin/django-admin" ]; then
    "$("$here/../python.sh" 3.9)" -m venv "$APP_DIR/old"
    "$APP_DIR/old/bin/pip" -q install django==3.2.25
fi
if [ ! -x "$APP_DIR/new/bin/django-admin" ]; then
    "$("$here/../python.sh" 3.11)" -m venv "$APP_DIR/new"
    "$APP_DIR/new/bin/pip" -q install django==5.1.4
fi
cd "$APP_DIR"
rm -rf site shop.db
mkdir site
old/bin/django-admin startproject project site
cp -r "$here/library" site/library
cat "$here/settings.py" >>site/project/settings.py
cp "$here/urls.py" site/project/urls.py
export DATABASE=$APP_DIR/shop.db
old/bin/python site/manage.py makemigrations library
old/bin/python site/manage.py migrate
old/bin/python site/manage.py shell <"$here/data.py"
