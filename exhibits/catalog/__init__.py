"""The catalog: which stages there are, which stacks serve them, and of what parts they are made.

A stack is one way to reach the guestbook: an interface (how the program is
called), a carrier (what travels to it), a named server and, where the carrier
needs one, a web server in front. All that is special about a server stands in
`parts.py` and `stacks.py`, as data; no other file asks which server it has
before it.
"""

from dataclasses import dataclass

from exhibits.catalog import annexes
from exhibits.catalog.annexes import ANNEXES
from exhibits.catalog.parts import PARTS
from exhibits.catalog.stacks import STACKS

__all__ = ["ANNEXES", "EVERYTHING", "GLASS", "PARTS", "STACKS", "STAGES", "Stage", "called", "defaults", "doors",
           "find", "main_stacks", "stacks_of", "stage"]

# The stacks of the map, and those of the annexes.
EVERYTHING = (*STACKS, *annexes.STACKS)


@dataclass(frozen=True)
class Stage:
    """One room: name is its folder, year when its specification or first release appeared."""

    name: str
    title: str
    year: int
    specification: str
    url: str
    idea: str


STAGES = (
    Stage("cgi", "CGI", 1993, "CGI/1.1, RFC 3875", "https://www.rfc-editor.org/rfc/rfc3875",
          "a process for each request: environment and standard input in, standard output out"),
    Stage("fastcgi", "FastCGI", 1996, "FastCGI 1.0", "https://fastcgi-archives.github.io/FastCGI_Specification.html",
          "the same variables and streams, as records on a socket to a process that stays"),
    Stage("scgi", "SCGI", 2002, "SCGI protocol", "https://python.ca/scgi/protocol.txt",
          "similar to FastCGI and easier to implement: the variables in one netstring, then the body"),
    Stage("wsgi", "WSGI", 2003, "PEP 333, PEP 3333", "https://peps.python.org/pep-3333/",
          "one Python call for each request: environ in, start_response and bytes out"),
    Stage("uwsgi", "uwsgi", 2009, "The uwsgi protocol", "https://uwsgi-docs.readthedocs.io/en/latest/Protocol.html",
          "the variables in binary with 16-bit lengths, between nginx and a WSGI server"),
    Stage("asgi", "ASGI", 2019, "ASGI 3.0", "https://asgi.readthedocs.io/en/latest/specs/www.html",
          "a coroutine for each request or WebSocket: events in, events out"),
)


# What people name and what is not started here, with the reason. What is said of packages was so on
# 27 November 2026, with Python 3.11 on Debian 12.
GLASS = {
    "mod_python": "Python inside Apache with an interface of its own, not WSGI. Debian 12 has a snapshot of 2021, "
                  "which calls a handler on some starts and ends with a fatal error of Python 3.11 on others; its "
                  "publisher ends with a segmentation fault.",
    "mod_perl": "Perl inside Apache, called the same way: the handler below still works (apt install "
                "libapache2-mod-perl2).",
    "Passenger": "Starts WSGI programs beside Apache or nginx, as on shared hosting. Debian 12 has version "
                 "6.0.17 (apt install libapache2-mod-passenger), which also installs Ruby, in which part of it is "
                 "written. Not tried here.",
    "NGINX Unit": "Ran WSGI and ASGI programs, and was configured over HTTP. Its repository, "
                  "https://github.com/nginx/unit, was archived on 8 October 2025; neither pip nor Debian 12 has it.",
    "LiteSpeed": "A web server that speaks a protocol of its own, LSAPI, with the process of a WSGI program: "
                 "https://www.litespeedtech.com/docs/lsapi/python. Neither pip nor Debian 12 has it.",
    "IIS and ISAPI": "Microsoft's web server calls extensions inside its process, through ISAPI. Two packages on the "
                     "Python Package Index led from there to WSGI: isapi-wsgi, last released in 2016, and, over "
                     "FastCGI, wfastcgi, in 2017. IIS needs Windows.",
    "meinheld": "A WSGI server in C, with greenlets. Its last version on the Python Package Index, 1.0.2 of 2020, "
                "needs a greenlet older than 0.5, which does not compile for Python 3.11.",
    "mod_wsgi-express": "The package mod_wsgi of the Python Package Index compiles the module for the Apache that is "
                        "installed, and starts that Apache with a command of this name. The module is on the map, "
                        "inside Apache; compiling it needs Apache's headers (apt install apache2-dev).",
    "Robyn": "A framework with a server of its own in Rust, for its own routes: its description, "
             "https://github.com/sparckles/robyn, mentions neither WSGI nor ASGI. It needs older packages than the "
             "museum has; the page on frameworks has a program for it, and says what it does.",
    "CherryPy": "A framework. Its server is cheroot, which is on the map.",
    "Vibora": "A framework with a server of its own, last released as version 0.0.6, which needs Python 3.6. The page "
              "on frameworks has a program for it, and says what breaks.",
}


def stage(name):
    """The stage or annex of this name; KeyError where there is none."""
    return {stage.name: stage for stage in doors()}[name]


def doors():
    """The stages, then the annexes."""
    return (*STAGES, *ANNEXES)


def main_stacks():
    """The stacks every visitor is led to; the others are the hall."""
    return [stack for stack in STACKS if not stack.hall]


def stacks_of(stage_name):
    """The stacks of a stage or annex; the first is its default."""
    return [stack for stack in EVERYTHING if stack.stage == stage_name]


def defaults():
    """The default stack of each stage, in the order of the stages."""
    return [stacks_of(stage.name)[0] for stage in STAGES]


def find(name, server=None):
    """The stack of a stage or stack name, and optionally of a server; KeyError where there is none."""
    if name in {stage.name for stage in doors()}:
        stacks = stacks_of(name)
        return next((s for s in stacks if s.server == server), None) if server else stacks[0]
    return {stack.name: stack for stack in EVERYTHING}[name]


def called(stack, process):
    """What people call a process of a stack: "nginx", "our CGI server"."""
    if process.part in PARTS:
        return process.part
    return f"our {stage(stack.stage).title} server" if stack.server == "ours" else stack.server
