"""Django's model of an entry: the table is the guestbook's, which makes it itself."""

from datetime import UTC, datetime

from django.db import models
from django.db.backends.signals import connection_created

from exhibits.frameworks import desk

# The guestbook makes its tables, where there are none, when Django first needs them.
connection_created.connect(lambda **more: desk.STORE.latest(), weak=False)


def now():
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Entry(models.Model):
    at = models.CharField(max_length=20, default=now)
    name = models.CharField(max_length=80)
    message = models.CharField(max_length=1000)

    class Meta:
        app_label, db_table, managed = "museum", "entries", False
