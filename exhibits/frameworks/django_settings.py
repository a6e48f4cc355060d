"""Django's settings: no more than this program needs."""

from exhibits.frameworks import desk

desk.STORE.latest()  # makes the guestbook's file, where there is none
desk.STORE.close()

ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "exhibits.frameworks.django_views"
WSGI_APPLICATION = "exhibits.frameworks.django_wsgi.application"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": desk.STORE.path}}
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]  # it adds Content-Length
LOGGING_CONFIG = None
