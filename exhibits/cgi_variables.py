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
    # --8<-- [start:headers]
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            yield key[5:].replace("_", "-").lower(), value
        elif key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            yield key.replace("_", "-").lower(), value
    # --8<-- [end:headers]


def text(value):
    """The text of a path: its bytes travel as latin-1 and mean UTF-8 (PEP 3333).

    What is not UTF-8 becomes U+FFFD.
    """
    return value.encode("latin-1").decode("utf-8", "replace")


def meaning(name):
    """What a variable (str) is for, in a sentence, and where that is laid down."""
    if name.startswith("HTTP_"):
        return "A header field of the request: upper case, HTTP_ in front, - turned into _.", "RFC 3875 section 4.1.18"
    return MEANINGS.get(name, ("A variable of the server's own.", "RFC 3875 section 4.1"))


# What each variable is for, for people: (sentence, section).
MEANINGS = {
    "AUTH_TYPE": ("How the server has made sure who the client is.", "RFC 3875 section 4.1.1"),
    "CONTENT_LENGTH": ("How many bytes the body has; empty or missing where there is none.", "RFC 3875 section 4.1.2"),
    "CONTENT_TYPE": ("The media type of the body, from the request's Content-Type field.", "RFC 3875 section 4.1.3"),
    "GATEWAY_INTERFACE": ("The version of CGI that the server speaks.", "RFC 3875 section 4.1.4"),
    "PATH_INFO": ("The part of the path behind the program's own, percent-decoded once.", "RFC 3875 section 4.1.5"),
    "PATH_TRANSLATED": ("PATH_INFO as a path in the server's file system.", "RFC 3875 section 4.1.6"),
    "QUERY_STRING": ("What stands behind the ? of the URL, still encoded.", "RFC 3875 section 4.1.7"),
    "REMOTE_ADDR": ("The network address of the client.", "RFC 3875 section 4.1.8"),
    "REMOTE_HOST": ("The domain name of the client, where somebody has looked it up.", "RFC 3875 section 4.1.9"),
    "REMOTE_USER": ("Who the client is, where the server has made sure.", "RFC 3875 section 4.1.11"),
    "REQUEST_METHOD": ("The method of the request, exactly as it was sent.", "RFC 3875 section 4.1.12"),
    "SCRIPT_NAME": ("The path of the program itself: where it is mounted. It may be empty.", "RFC 3875 section 4.1.13"),
    "SERVER_NAME": ("The host the request was addressed to.", "RFC 3875 section 4.1.14"),
    "SERVER_PORT": ("The TCP port the request came in on.", "RFC 3875 section 4.1.15"),
    "SERVER_PROTOCOL": ("What the client spoke, which is not what is spoken here.", "RFC 3875 section 4.1.16"),
    "SERVER_SOFTWARE": ("The name and version of the server.", "RFC 3875 section 4.1.17"),
    # Not in the RFC, and set by custom:
    "REQUEST_URI": ("The target of the request as it was sent, query included, nothing decoded.", "not in RFC 3875"),
    "REMOTE_PORT": ("The TCP port of the client.", "not in RFC 3875"),
    "SCGI": ("Says that this is SCGI; its value is always 1.", "SCGI section 3"),
    "PATH": ("Where a program finds other programs; the server hands its own on.", "not in RFC 3875"),
    "GUESTBOOK": ("Where the guestbook's SQLite file is: configuration, as by Apache's SetEnv.", "of this museum"),
}  # fmt: skip
