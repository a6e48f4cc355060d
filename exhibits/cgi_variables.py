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
