"""What visitors type, checked: each function takes the text of an argument and returns its value.

All raise argparse.ArgumentTypeError with a sentence.
"""

import os
import re
from argparse import ArgumentTypeError
from pathlib import Path
from urllib.parse import quote

TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 section 5.6.2


def port_number(text):
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 0 < int(text) < 65536):
        raise ArgumentTypeError(f"{text!r} is not a port: a number from 1 to 65535")
    return int(text)


def mount_point(text):
    """What RFC 3986 calls unreserved is the same in every server, encoded or not. "." and ".." are no names."""
    if text.strip("/") and not re.fullmatch(r"(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)+/?", text):
        raise ArgumentTypeError(f"{text!r} is not a mount point: a path of letters, digits and -._~ like /museum")
    return text.rstrip("/")


def target(text):
    """A path as it goes over the wire: what cannot stand there is percent-encoded, as browsers do (RFC 3986)."""
    path = text if text.startswith("/") else f"/{text}"
    return quote(path, safe="%/?:@!$&'()*+,;=-._~[]", errors="surrogateescape")


def method(text):
    if not re.fullmatch(TOKEN, text):
        raise ArgumentTypeError(f"{text!r} is not a method: a word like POST (RFC 9110 section 9.1)")
    return text


def header_field(text):
    """A header field with the bytes of its value, as the visitor's terminal has them, each a character of latin-1."""
    name, colon, value = text.partition(":")
    if not colon or not re.fullmatch(TOKEN, name):
        raise ArgumentTypeError(f"{text!r} is not a header field: 'NAME: VALUE'")
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
        raise ArgumentTypeError(f"the value of {name} holds a control character (RFC 9110 section 5.5)")
    return f"{name}:{os.fsencode(value).decode('latin-1')}"


def new_file(text):
    """A file that can be written at the end: known before the work is done that goes into it."""
    path = Path(text)
    if path.is_dir():
        raise ArgumentTypeError(f"{text!r} is a folder")
    if not path.parent.is_dir():
        raise ArgumentTypeError(f"there is no folder {str(path.parent)!r}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ArgumentTypeError(f"{text!r} cannot be written")
    return path


def file_name(text):
    """The name of a file, which may be there or not. An empty one is a variable of a shell that nobody has set."""
    if not text:
        raise ArgumentTypeError("'' is not the name of a file")
    return text


def existing_file(text):
    path = Path(text)
    if not path.is_file():
        raise ArgumentTypeError(f"there is no file {text!r}")
    return path


def count(text):
    if not (text.isascii() and text.isdecimal() and int(text[:9]) > 0 and len(text) < 5):
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to 9999")
    return int(text)


def seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value <= 3600:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds up to 3600")
    return value
