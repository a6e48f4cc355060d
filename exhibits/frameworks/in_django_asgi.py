"""Django as an ASGI program: the functions among its views are called in a thread."""

import os

from django.core.asgi import get_asgi_application

# --8<-- [start:gateway]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "exhibits.frameworks.django_settings")
application = get_asgi_application()  # is called with scope, receive and send
# --8<-- [end:gateway]
