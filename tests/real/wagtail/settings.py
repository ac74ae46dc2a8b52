
# What `wagtail start` made, on one file and without what differs between two instances for no reason.
DEBUG = False
SECRET_KEY = "0123456789abcdef0123456789abcdef0123456789abcdef"
ALLOWED_HOSTS = ["*"]
WAGTAILADMIN_BASE_URL = "http://shop.example"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}}
INSTALLED_APPS += ["wagtail.api.v2", "rest_framework", "django.contrib.sitemaps"]
if os.environ.get("SESSIONS", "cookies") == "cookies":
    SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATICFILES_STORAGE = "django.contrib.staticfiles.storage.StaticFilesStorage"
WAGTAIL_ENABLE_UPDATE_CHECK = False
