"""The guestbook as it would be if it trusted its visitors: it looks at neither Host nor Origin.

For `exhibits.strangers.chromium`, which shows what comes of it.
"""

from exhibits import guestbook
from exhibits.asgi.app import application

__all__ = ["application"]
guestbook.guard = lambda method, header, hosts=None: None
