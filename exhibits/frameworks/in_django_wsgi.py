"""Django as a WSGI program: a coroutine among its views gets an event loop for each request."""

import os

from django.core.wsgi import get_wsgi_application

# --8<-- [start:gateway]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "exhibits.frameworks.django_settings")
application = get_wsgi_application()  # is called with environ and start_response
# --8<-- [end:gateway]
