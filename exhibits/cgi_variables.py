"""What CGI, FastCGI, SCGI, uwsgi and WSGI share: the meta-variables of RFC 3875.

CGI puts them in the process environment, FastCGI, SCGI and uwsgi each pack the
same names into their own bytes, and WSGI hands them over as a dict. The packing
changed four times; the names did not, so reading them is written once.
"""


def headers(environ):
    """The request's header fields as (name, value) pairs, from the meta-variables.

    environ: str to str, bytes decoded as latin-1 (PEP 3333, "Unicode Issues").
    RFC 3875 section 4.1.18 wrote `X-Forwarded-For` as `HTTP_X_FORWARDED_FOR`;
    the way back is a guess, for "_" may have been "_". The two fields that
    describe the body have variables of their own (sections 4.1.2 and 4.1.3).
    """
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            yield key[5:].replace("_", "-").lower(), value
        elif key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            yield key.replace("_", "-").lower(), value


def text(value):
    """The text of a path: its bytes travel as latin-1 and mean UTF-8 (PEP 3333).

    What is not UTF-8 becomes U+FFFD.
    """
    return value.encode("latin-1").decode("utf-8", "replace")


# What each variable is for, for people: (section, sentence).
MEANINGS = {
    "AUTH_TYPE": ("RFC 3875 §4.1.1", "How the server has made sure who the client is."),
    "CONTENT_LENGTH": ("RFC 3875 §4.1.2", "How many bytes the body has; empty or missing where there is none."),
    "CONTENT_TYPE": ("RFC 3875 §4.1.3", "The media type of the body, from the request's Content-Type field."),
    "GATEWAY_INTERFACE": ("RFC 3875 §4.1.4", "The version of CGI that the server speaks."),
    "PATH_INFO": ("RFC 3875 §4.1.5", "The part of the path behind the program's own, percent-decoded once."),
    "PATH_TRANSLATED": ("RFC 3875 §4.1.6", "PATH_INFO as a path in the server's file system."),
    "QUERY_STRING": ("RFC 3875 §4.1.7", "What stands behind the ? of the URL, still encoded; empty without one."),
    "REMOTE_ADDR": ("RFC 3875 §4.1.8", "The network address of the client."),
    "REMOTE_HOST": ("RFC 3875 §4.1.9", "The domain name of the client, where somebody has looked it up."),
    "REMOTE_USER": ("RFC 3875 §4.1.11", "Who the client is, where the server has made sure."),
    "REQUEST_METHOD": ("RFC 3875 §4.1.12", "The method of the request, exactly as it was sent."),
    "SCRIPT_NAME": ("RFC 3875 §4.1.13", "The path of the program itself: where it is mounted. It may be empty."),
    "SERVER_NAME": ("RFC 3875 §4.1.14", "The host the request was addressed to."),
    "SERVER_PORT": ("RFC 3875 §4.1.15", "The TCP port the request came in on."),
    "SERVER_PROTOCOL": ("RFC 3875 §4.1.16", "The protocol of the request, which is not that of this conversation."),
    "SERVER_SOFTWARE": ("RFC 3875 §4.1.17", "The name and version of the server."),
    # Not in the RFC, and set by custom:
    "REQUEST_URI": ("not in RFC 3875", "The target of the request as it was sent, query included, nothing decoded."),
    "REMOTE_PORT": ("not in RFC 3875", "The TCP port of the client."),
    "SCGI": ("SCGI protocol, section 3", "Says that this is SCGI; its value is always 1."),
    "PATH": ("not in RFC 3875", "Where a program finds other programs; the server hands its own on."),
    "GUESTBOOK": ("of this museum", "Where the guestbook's SQLite file is: configuration, as by Apache's SetEnv."),
    "HTTP_*": ("RFC 3875 §4.1.18", "A field of the request's header: upper case, HTTP_ in front, - turned into _."),
    "*": ("RFC 3875 §4.1", "A variable of the server's own."),
}
