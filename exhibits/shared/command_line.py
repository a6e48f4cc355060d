"""The options that our CGI, WSGI and ASGI servers share: those that speak HTTP with the visitor themselves."""

import argparse


def parser(description: str) -> argparse.ArgumentParser:
    """An argparse parser; who calls it adds what is to be served."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--mount", default="", metavar="/PATH", type=mount, help="where the program is")
    parser.add_argument("--no-access-log", dest="access_log", action="store_false", help="say nothing of requests")
    return parser


def mount(path: str) -> str:
    """Where the program is, as servers compare it: without a slash at its end."""
    if path and not path.startswith("/"):
        raise argparse.ArgumentTypeError("it begins with a slash")
    return path.rstrip("/")
