
# What the tests add to the settings that django-admin made.
import os

SECRET_KEY = "the-same-on-both-sides-since-they-share-one-database"
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS += ["library"]
DATABASES["default"]["NAME"] = os.environ["DATABASE"]
# Sessions in rows die on the shadow, where each login makes a row of its own: SESSIONS=db shows that.
if os.environ.get("SESSIONS", "cookies") == "cookies":
    SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
# Newer versions hash anew with more rounds at each login, which ends all other sessions of the user.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
