"""What CGI, FastCGI, SCGI, uwsgi and WSGI share: the meta-variables of RFC 3875.

CGI puts them in the process environment, FastCGI, SCGI and uwsgi each pack the
same names into their own bytes, and WSGI hands them over as a dict. The packing
changed four times; the names did not, so reading them is written once.
"""

import os
from collections.abc import Iterator
from typing import Any


def headers(environ: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The request's header fields as (name, value) pairs, from the meta-variables.

    environ: str to str, bytes decoded as latin-1 (PEP 3333, "Unicode Issues").
    RFC 3875 section 4.1.18 wrote `X-Forwarded-For` as `HTTP_X_FORWARDED_FOR`;
    the way back is a guess, for "_" may have been "_". The two fields that
    describe the body have variables of their own (sections 4.1.2 and 4.1.3); a front may say them twice.
    """
    # --8<-- [start:headers]
    for key, value in environ.items():
        if key.startswith("HTTP_") and key not in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"):
            yield key[5:].replace("_", "-").lower(), value
        elif key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            yield key.replace("_", "-").lower(), value
    # --8<-- [end:headers]


def place(environ: dict[str, str]) -> tuple[str, str]:
    """Where the program is and what is asked of it: SCRIPT_NAME and PATH_INFO.

    nginx's stock parameters divide no path: for FastCGI all of it is SCRIPT_NAME, and for SCGI it is in
    variables of nginx's own alone. Then the program is taken to be at "/", and a mount point cannot be known.
    """
    mount, path = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "")
    whole = environ.get("DOCUMENT_URI", "")  # decoded, as PATH_INFO is
    return ("", whole) if whole and mount in ("", whole) else (mount, path)


def text(value: str) -> str:
    """The text of a path: its bytes travel as latin-1 and mean UTF-8 (PEP 3333).

    What is not UTF-8 becomes U+FFFD.
    """
    return value.encode("latin-1").decode("utf-8", "replace")


def given(environ: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What the gateway has put into the environ, as (name, value) pairs.

    These are the names known here, header fields, and names with a dot, which are WSGI's and its
    servers' own. Where a server mixes them with the environment of its process, as wsgiref does,
    the rest of that is nobody's business.
    """
    for name, value in environ.items():
        if name in MEANINGS or name.startswith("HTTP_") or ("." in name and name not in os.environ):
            yield name, value


def connection(environ: dict[str, str]) -> dict[str, Any]:
    """What the gateway says of the connection, for `/request`; None: nothing. Sections are of RFC 3875."""
    port = environ.get("SERVER_PORT")  # 4.1.15
    return {
        "client": environ.get("REMOTE_ADDR"),  # 4.1.8
        "server": environ.get("SERVER_NAME"),  # 4.1.14
        "port": int(port) if port and port.isdecimal() else port,
        "protocol": environ.get("SERVER_PROTOCOL"),  # 4.1.16
        "target": environ.get("REQUEST_URI", environ.get("RAW_URI")),  # not in the RFC
        "coding": environ.get("HTTP_TRANSFER_ENCODING"),  # of the body; taken off by the server (4.2)
    }


def meaning(name: str) -> tuple[str, str]:
    """What a variable (str) is for, in a sentence, and where that is laid down."""
    known = MEANINGS.get(name) or OF_THE_PROCESS.get(name)
    return known or (HEADER_FIELD if name.startswith("HTTP_") else EXTENSION)


HEADER_FIELD = ("A header field of the request: in capitals, HTTP_ in front, - turned into _.",
                "RFC 3875 section 4.1.18")
EXTENSION = ("No meta-variable of RFC 3875: an extension.", "RFC 3875 section 4.1")
VARIABLES = "Apache, Expressions § Variables"

# What each variable is for, for people: (sentence, section).
MEANINGS = {
    "AUTH_TYPE": ("The mechanism by which the server authenticated the user.", "RFC 3875 section 4.1.1"),
    "CONTENT_LENGTH": ("How many bytes the body has; empty or missing where there is none.", "RFC 3875 section 4.1.2"),
    "CONTENT_TYPE": ("The media type of the body.", "RFC 3875 section 4.1.3"),
    "GATEWAY_INTERFACE": ("The version of CGI that the server speaks to the program.", "RFC 3875 section 4.1.4"),
    "PATH_INFO": ("The part of the path behind the program's own, not URL-encoded.", "RFC 3875 section 4.1.5"),
    "PATH_TRANSLATED": ("PATH_INFO as a path among the server's documents.", "RFC 3875 section 4.1.6"),
    "QUERY_STRING": ("The query of the address, URL-encoded; empty where there is none.", "RFC 3875 section 4.1.7"),
    "REMOTE_ADDR": ("The network address of the client.", "RFC 3875 section 4.1.8"),
    "REMOTE_HOST": ("The domain name of the client, if available.", "RFC 3875 section 4.1.9"),
    "REMOTE_IDENT": ("What an RFC 1413 request to the client has told of its user.", "RFC 3875 section 4.1.10"),
    "REMOTE_USER": ("The user's name, as the client gave it to authenticate.", "RFC 3875 section 4.1.11"),
    "REQUEST_METHOD": ("The method by which the program is to process the request.", "RFC 3875 section 4.1.12"),
    "SCRIPT_NAME": ("The path of the program itself, not URL-encoded. It may be empty.", "RFC 3875 section 4.1.13"),
    "SERVER_NAME": ("The name of the host to which the request is directed.", "RFC 3875 section 4.1.14"),
    "SERVER_PORT": ("The TCP port on which the request came in.", "RFC 3875 section 4.1.15"),
    "SERVER_PROTOCOL": ("The protocol of this request; server and client may speak another version of it.",
                        "RFC 3875 section 4.1.16"),
    "SERVER_SOFTWARE": ("The name and version of the server.", "RFC 3875 section 4.1.17"),
    "HTTPS": ("The scheme of the request is https, another than the protocol.", "RFC 3875 section 4.1.18"),
    # Not in the RFC, but of a server whose documentation tells what they are:
    "DOCUMENT_ROOT": ("Apache's DocumentRoot, nginx's root: the folder of the server's files.", VARIABLES),
    "DOCUMENT_URI": ("nginx's: the same as its $uri, the path as nginx has made it.", "nginx, $document_uri"),
    "REQUEST_SCHEME": ("Apache's and nginx's: the scheme of the address, http or https.", VARIABLES),
    "SCRIPT_FILENAME": ("Apache's: the same as its REQUEST_FILENAME, the file of the request.", VARIABLES),
    "REQUEST_URI": ("Apache's and nginx's: the address as it was sent, with its query.", "nginx, $request_uri"),
    "SERVER_ADDR": ("Apache's and nginx's: the address on which the server took the request.", "nginx, $server_addr"),
    "REMOTE_PORT": ("Apache's and nginx's: the TCP port of the client.", "nginx, $remote_port"),
    "RAW_URI": ("gunicorn's: the target of the request as it was sent.", "gunicorn, gunicorn/http/wsgi.py"),
    "FCGI_ROLE": ("Apache's: the role of a FastCGI program, as a word.", "Apache, mod_authnz_fcgi"),
    "SCGI": ("Says that this is SCGI; its value is always 1.", "SCGI section 3"),
}
# What a CGI program finds besides, in the environment of its process.
OF_THE_PROCESS = {
    "PATH": ("Folders in which programs look for programs.", "environ(7)"),
    "LC_CTYPE": ("How text is encoded, of the locale.", "locale(7)"),
    "GUESTBOOK": ("Where the guestbook's SQLite file is: configuration, as by Apache's SetEnv.", "of this museum"),
    "GUESTBOOK_STACK": ("Of what the exhibit is made, which it tells its visitors.", "of this museum"),
    "GUESTBOOK_HOSTS": ("Names the guestbook is served under besides localhost, with commas.", "of this museum"),
}
