"""Where an exhibit listens: an address of this machine, and a port that nobody else has."""

import errno
import fcntl
import os
import random
import re
import socket
import subprocess
import threading
from functools import cache
from ipaddress import ip_address

PATIENCE = 5  # seconds for the system to say which address a name has
# In this file the processes of a user lock the ports they keep, one byte for each, whatever their checkout is.
LOCKS = f"/tmp/.museum-ports-{os.getuid()}"
LENT = range(20000, 30000)  # below the range from which systems lend ports to clients


class CannotStart(Exception):
    """A stack does not run; the message says why, for people."""


class PortTaken(CannotStart):
    """Another program listens on the port that was asked for."""


def resolve(host):
    """The address of a host name, of IPv4 where it has one; an address is its own. CannotStart where there is none."""
    host = host.removeprefix("[").removesuffix("]")
    found = []

    def ask():
        try:
            found.extend(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE))
        except (OSError, UnicodeError) as error:
            found.append(error)

    asking = threading.Thread(target=ask, daemon=True)  # nothing ends a question to the system before its time
    asking.start()
    asking.join(PATIENCE)
    if not found:
        raise CannotStart(f"no name server said within {PATIENCE} s which address {host} has")
    if isinstance(found[0], Exception):
        raise CannotStart(f"{host!r} is neither an address nor a name that this machine knows")
    address = ip_address(min(found, key=lambda each: each[0] != socket.AF_INET)[4][0].partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_multicast or address == ip_address("255.255.255.255"):
        raise CannotStart(f"{host} is an address of many machines; a browser needs that of one")
    if address.version == 6 and address.is_link_local:
        raise CannotStart(f"{host} is an address at one network interface, which no URL in a browser can name")
    return str(address)


def authority(host, port):
    """HOST:PORT as URLs and most servers write it, an address of IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reached(host):
    """The address at which visitors on this machine reach what listens at an address."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def bind(host, port):
    """Listen for a moment; OSError where that cannot be."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def is_free(host, port):
    try:
        bind(host, port)
    except OSError:
        return False
    return True


def demand(host, port):
    """Nothing where one can listen there, else PortTaken or CannotStart with the reason."""
    try:
        bind(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"port {port} on {host} is in use{by_whom(port)}") from None
        raise CannotStart({
            errno.EACCES: f"port {port} is not for this user to open; those above 1023 are",
            errno.EADDRNOTAVAIL: f"{host} is not an address of this machine",
        }.get(error.errno, f"nobody can listen on {host}: {error.strerror}")) from None


def lsof(*which, fields):
    """What lsof says, in these fields, of the sockets that listen and that the options choose; "" for nothing."""
    command = ["lsof", "-nP", *which, "-sTCP:LISTEN", "-F", fields]
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PATIENCE).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def by_whom(port):
    """Who listens on a port, as " by nginx (pid 12)"; "" where nobody says."""
    found = re.search(r"^p(\d+)\nc([ -~]+)$", lsof(f"-iTCP:{port}", fields="pc"), re.MULTILINE)
    return f" by {found[2]} (pid {found[1]})" if found else ""


def free_port(host="127.0.0.1"):
    """A port nobody listens on.

    Until the server listens there, another exhibit might take the same one, and
    visitors would come to the wrong door: so this process keeps it for good.
    """
    for port in random.sample(LENT, 1000):
        try:
            bind(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                demand(host, port)  # no other port will do either: say why
            continue
        if keep(port):
            return port
    raise CannotStart(f"no free port was found on {host}")


@cache
def locks():
    """The file of the locks; None where there can be none, and the guess that a free port stays so has to do."""
    try:
        return os.open(LOCKS, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return None


kept, keeping = set(), threading.Lock()


def keep(port):
    """Reserve a port against other threads and processes; False where one of them has it."""
    with keeping:
        if port in kept:
            return False
        try:
            if locks() is not None:
                fcntl.lockf(locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            return False
        kept.add(port)
        return True
