"""Django Channels: between the server and Django, WebSockets and what their visitors share."""

import os

from asgiref.sync import async_to_sync
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.db import DatabaseError
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.urls import path

from exhibits import guestbook
from exhibits.frameworks import desk

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "exhibits.frameworks.django_settings")
pages = get_asgi_application()  # it loads Django: what needs that is imported behind it

from exhibits.frameworks.django_models import Entry  # noqa: E402

VISITORS = "visitors"


# --8<-- [start:live]
class Live(AsyncWebsocketConsumer):
    """A visitor: signs by sending, and is sent what others sign."""

    groups = (VISITORS,)  # of the channel layer; joined and left by itself

    async def receive(self, text_data=None, bytes_data=None):
        try:
            form = guestbook.from_json((text_data or "").encode())
            name, message = guestbook.checked(form)
            await Entry.objects.acreate(name=name, message=message)
        except (guestbook.Refused, DatabaseError) as error:
            refused = {"error": desk.refusal(error).sentence}
            await self.send(guestbook.to_json(refused).decode())

    async def entry(self, event):  # the layer calls it by the event's type
        await self.send(event["text"])


@receiver(post_save, sender=Entry)
def announce(instance, **more):
    """Whoever signs, by a form or by a WebSocket: the model tells the layer."""
    fields = {name: getattr(instance, name) for name in ("id", "at", "name", "message")}
    event = {"type": "entry", "text": guestbook.to_json(fields).decode()}
    async_to_sync(get_channel_layer().group_send)(VISITORS, event)
# --8<-- [end:live]


# --8<-- [start:gateway]
sockets = URLRouter([path("live", Live.as_asgi())])
# Is called with scope, receive and send, and asks the scope's type who is meant.
application = ProtocolTypeRouter({
    "http": pages, "websocket": AllowedHostsOriginValidator(sockets),
})
# --8<-- [end:gateway]
