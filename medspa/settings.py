"""Settings, all from the environment; README lists every variable with its default.

With nothing set the site starts on SQLite with secrets of its own in `var/`. Nonsense is refused with one line.
"""

import os
from pathlib import Path

from csp.constants import NONE, SELF

from medspa.environment import Environment, own_secret, read_database, read_mail, read_site_url

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(os.environ)
VAR_DIR = env.folder("VAR_DIR", "var")

DEBUG = env.flag("DEBUG", False)
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
IS_LOCAL = set(ALLOWED_HOSTS) <= {"localhost", "127.0.0.1", "[::1]", "testserver"}
SITE_URL = read_site_url(env.text("SITE_URL"), ALLOWED_HOSTS, is_local=IS_LOCAL, port=env.number("PORT", 8000))
SERVED_BY_HTTPS = SITE_URL.startswith("https://")
SECRET_KEY = own_secret("SECRET_KEY", env.text("SECRET_KEY"), VAR_DIR, may_make=IS_LOCAL)
DATA_KEYS = own_secret("DATA_KEYS", env.text("DATA_KEYS"), VAR_DIR, may_make=IS_LOCAL).split(",")
KEYS_ARE_GIVEN = bool(env.text("SECRET_KEY") and env.text("DATA_KEYS"))
BACKUP_KEY = env.text("BACKUP_KEY")  # read only when a backup is made or opened

TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
STAFF_MFA = env.one_of("STAFF_MFA", ["offered", "required"] if IS_LOCAL else ["required", "offered"])
STAFF_IDLE_SECONDS = env.number("STAFF_IDLE_SECONDS", 15 * 60, at_least=60)
METRICS_TOKEN = env.token("METRICS_TOKEN")
SUBMIT_LIMIT_PER_HOUR = env.number("SUBMIT_LIMIT_PER_HOUR", 10, at_least=1)
MIN_FILL_SECONDS = env.number("MIN_FILL_SECONDS", 3)

INSTALLED_APPS = [
    "medspa.apps.MedspaConfig",
    "treatments.apps.TreatmentsConfig",
    "appointments.apps.AppointmentsConfig",
    "medspa.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.sitemaps",
    "django.forms",
    "crispy_forms",
    "csp",
]
MIDDLEWARE = [
    "medspa.middleware.OnRecord",
    "medspa.middleware.ForThisSiteAlone",
    "medspa.middleware.LanguageOfTheAddress",
    "medspa.middleware.WhereItComesFrom",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "medspa.compression.CompressedPages",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "medspa.middleware.BoundedBodies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "medspa.urls"
WSGI_APPLICATION = "medspa.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "medspa.context_processors.clinic",
                "medspa.context_processors.languages",
            ]
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = "medspa"
CRISPY_TEMPLATE_PACK = "medspa"

DATABASES = {"default": read_database(env.text("DATABASE_URL"), VAR_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTHENTICATION_BACKENDS = ["medspa.permissions.StaffBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "medspa.passwords.CommonAtHeart"},
    {"NAME": "medspa.passwords.OurOwnWords"},
    {"NAME": "medspa.passwords.NotTheFirst"},
]
LOGIN_REDIRECT_URL = "admin:index"
SESSION_COOKIE_AGE = 12 * 60 * 60

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
TIME_ZONE = env.time_zone("TIME_ZONE", "America/Phoenix")
USE_I18N = True
USE_TZ = True
LOCALE_PATHS = [BASE_DIR / "medspa" / "locale"]

STATIC_URL = "/static/"
WHITENOISE_ALLOW_ALL_ORIGINS = False
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
PAGES_DIR = env.text("PAGES_DIR")  # finished pages as files, for a web server to send by itself
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

vars().update(read_mail(env.text("EMAIL_URL"), VAR_DIR))
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "Mirror Mirror Med Spa <no-reply@localhost>")
DESK_EMAIL = env.text("DESK_EMAIL", "front-desk@localhost")

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY", SERVED_BY_HTTPS) else None
SECURE_SSL_REDIRECT = SERVED_BY_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^calendar/"]  # for programs, which a redirect would teach to ask again
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if SERVED_BY_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SERVED_BY_HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SERVED_BY_HTTPS
SESSION_COOKIE_NAME = "__Host-session" if SERVED_BY_HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SERVED_BY_HTTPS else "csrf"
DJANGOS_NOTICES = "django.contrib.messages.storage.cookie.CookieStorage"
MESSAGE_STORAGE = "medspa.notices.NoticesOfThisHost" if SERVED_BY_HTTPS else DJANGOS_NOTICES
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "appointments.views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024  # bytes; the longest honest form is a few kB
MOST_BYTES_AT_THE_DESK = 100 * 1024 * 1024  # a page of photos; each of them has its own bound
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000  # an inline admin page has some hundreds
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: []
    for feature in ["camera", "display-capture", "geolocation", "microphone", "payment", "usb", "browsing-topics"]
}

AS_JSON = env.one_of("LOG_FORMAT", ["text", "json"]) == "json"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"private": {"()": "medspa.logs.PrivateFormatter", "as_json": AS_JSON}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "private"},
        "nowhere": {"class": "logging.NullHandler"},  # without any, Python would write the words as they are
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "medspa.access": {"level": "INFO" if AS_JSON else "WARNING"},  # a line for each request that Django answers
        "django": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},  # by strangers, by the million
        "django.server": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}
