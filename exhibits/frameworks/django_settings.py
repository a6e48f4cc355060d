"""Django's settings: no more than this program needs."""

import os
import secrets

from exhibits.frameworks import desk
from exhibits.guarding import OWN_NAMES, allowed_hosts
from exhibits.store import PATIENCE

# It signs sessions and the like. Several processes, or a restart, need one that stays: the
# variable has it. For development one for each run will do.
SECRET_KEY = os.environ.get("SECRET_KEY") or secrets.token_urlsafe(50)
DEBUG = False  # it would show visitors the settings and the source where something fails
# The names it may be asked by; any other Host gets 400.
ALLOWED_HOSTS = [*OWN_NAMES, *allowed_hosts()]
# Without it Django sets the clock of the whole process to Chicago's.
TIME_ZONE = "UTC"
USE_TZ = True
ROOT_URLCONF = "exhibits.frameworks.django_views"
WSGI_APPLICATION = "exhibits.frameworks.in_django_wsgi.application"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": desk.STORE.path,
                         "OPTIONS": {"timeout": PATIENCE}}}
# CommonMiddleware adds Content-Length and looks at Host. The other one asks forms for a token,
# as Django's CsrfViewMiddleware does.
MIDDLEWARE = ["django.middleware.common.CommonMiddleware",
              "exhibits.frameworks.django_csrf.BrowsersNeedTheToken"]
CSRF_FAILURE_VIEW = "exhibits.frameworks.django_csrf.without_token"
ENGINE = "django.template.backends.django.DjangoTemplates"
TEMPLATES = [{"BACKEND": ENGINE, "DIRS": [desk.PAGES]}]
# Of Channels, for in_channels.py: this one reaches the visitors of its own process alone.
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
LOGGING_CONFIG = None
