"""A CGI/1.1 server (RFC 3875): HTTP/1.1 towards the client, a new process for each request.

    python -m exhibits.cgi.server [--port 8000] [--mount /museum] PROGRAM [ARG ...]

Here is how it begins and ends. `script.py` is CGI: a request becomes the environment and the
standard input of PROGRAM. `connection.py` is how what PROGRAM prints becomes the response; what HTTP
asks of every server is in `exhibits/http`. "§" is a section of RFC 3875.

Left out: the words of a query as arguments (§4.4), PATH_TRANSLATED (§4.1.6), REMOTE_HOST
(§4.1.9), a working directory of the script's own (§7.2), limits on bodies and processes.
"""

import argparse
import os
import shutil

from exhibits.cgi import script
from exhibits.cgi.connection import Connection
from exhibits.http import listening
from exhibits.shared import command_line


def read_arguments():
    parser = command_line.parser("Serve a CGI program over HTTP/1.1.")
    parser.add_argument("--timeout", type=float, default=30, metavar="SECONDS", help="the longest silence")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="for its environment")
    parser.add_argument("program", help="what to start for each request")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if not 0.001 <= options.timeout < 1e6:  # the system takes 0 for no end
        parser.error("--timeout is a number of seconds")
    if not all(pair.find("=") > 0 for pair in options.env):
        parser.error("--env is a name, an equals sign and a value")
    if not (program := shutil.which(options.program)):
        parser.error(f"{options.program} is not a program")
    options.command = [program, *options.arguments]
    options.nph = os.path.basename(options.command[-1]).startswith("nph-")
    options.name = (f"[{options.host}]" if ":" in options.host else options.host).encode()
    # Nothing else of the server's environment is the script's business, but PATH is how it finds programs.
    given = [os.fsencode(pair).split(b"=", 1) for pair in options.env]
    options.environ = {b"PATH": os.fsencode(os.environ.get("PATH", os.defpath)), **dict(given)}
    return options


def main():
    options = read_arguments()
    listening.serve(options.host, options.port, lambda sock, address: Connection(sock, address, options))
    script.starting.acquire()  # for good: no script starts any more
    script.stop(list(script.running))


if __name__ == "__main__":
    main()
