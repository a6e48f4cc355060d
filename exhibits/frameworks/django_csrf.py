"""Django's protection against pages from elsewhere, for a guestbook that programs sign, too."""

from django.http import HttpResponse
from django.middleware.csrf import CsrfViewMiddleware


# --8<-- [start:csrf]
class BrowsersNeedTheToken(CsrfViewMiddleware):
    """Asks whoever says that it is a browser, with one of three header fields, for the token.

    A browser sends Origin with a form (Fetch, section 3.1). A script that signs has no page
    to take the token from, and brings nobody's cookies: the museum's contract asks so.
    """

    def process_view(self, request, *view):
        told = request.headers.keys() & {"Origin", "Sec-Fetch-Site", "Referer"}
        return super().process_view(request, *view) if told else None


def without_token(request, reason=""):
    return HttpResponse(f"403 Forbidden: {reason}\n", "text/plain; charset=utf-8", 403)
# --8<-- [end:csrf]
