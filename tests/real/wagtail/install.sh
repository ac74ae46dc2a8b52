#!/bin/bash
# Wagtail 5.2 on Django 4.2 and Wagtail 6.3 on Django 5.1, a site made by `wagtail start`, and one database.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -x "$APP_DIR/old/bin/wagtail" ]; then
    "$("$here/../python.sh" 3.11)" -m venv "$APP_DIR/old"
    "$APP_DIR/old/bin/pip" -q install wagtail==5.2.6 'django==4.2.*' 'setuptools<70'
fi
if [ ! -x "$APP_DIR/new/bin/wagtail" ]; then
    "$("$here/../python.sh" 3.11)" -m venv "$APP_DIR/new"
    "$APP_DIR/new/bin/pip" -q install wagtail==6.3.3 django==5.1.4
fi
cd "$APP_DIR"
rm -rf site site.db
mkdir site
old/bin/wagtail start shop site
cat "$here/settings.py" >>site/shop/settings/base.py
cp "$here/urls.py" site/shop/urls.py
cp "$here/models.py" site/home/models.py
cp "$here/article_page.html" site/home/templates/home/article_page.html
export DATABASE=$APP_DIR/site.db DJANGO_SETTINGS_MODULE=shop.settings.base
old/bin/python site/manage.py makemigrations home
old/bin/python site/manage.py migrate
old/bin/python site/manage.py shell <"$here/data.py"
old/bin/python site/manage.py update_index
