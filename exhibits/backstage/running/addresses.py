"""Under which names and addresses this machine is reached; nobody is asked for them, no name server either."""

import ctypes
import re
import socket
from contextlib import suppress
from ipaddress import ip_address

from exhibits.guarding import OWN_NAMES

EVERYWHERE = ("0.0.0.0", "::")


class Interface(ctypes.Structure):
    """`struct ifaddrs`, as getifaddrs(3) has it on Linux, the BSDs and macOS: as much of it as is read here."""


Interface._fields_ = [("next", ctypes.POINTER(Interface)), ("name", ctypes.c_char_p), ("flags", ctypes.c_uint),
                      ("address", ctypes.c_void_p)]


def machine():
    """The addresses of this machine's network interfaces, as `ipaddress` has them, in their order."""
    libc, first = ctypes.CDLL(None), ctypes.POINTER(Interface)()
    if libc.getifaddrs(ctypes.byref(first)):
        return []
    found, interface = [], first
    while interface:
        if address := interface.contents.address:
            head = ctypes.string_at(address, 2)
            family = head[1] or head[0]  # BSD: length and family, a byte each; Linux: a family of two bytes
            if family == socket.AF_INET:
                found.append(ip_address(ctypes.string_at(address + 4, 4)))
            elif family == socket.AF_INET6:
                found.append(ip_address(ctypes.string_at(address + 8, 16)))
        interface = interface.contents.next
    libc.freeifaddrs(first)
    return list(dict.fromkeys(found))


def own_names(*hosts):
    """What a Host field may say of a server that listens on these hosts, besides `guarding.OWN_NAMES`.

    It is each host itself, or each address of this machine that such a server can be reached at.
    """
    names = []
    for host in hosts:
        reached = [host]
        if host in EVERYWHERE:
            reached = [str(address) for address in machine() if address.version == 4 or ":" in host]
        for each in reached:
            with suppress(ValueError):  # what is no name cannot be listened on, and whoever tries says so
                names.append(as_name(each))
    return [name for name in dict.fromkeys(names) if name not in OWN_NAMES]


def as_name(text):
    """The name or address as a Host field has it, in lower case and an IPv6 address in brackets.

    ValueError with a sentence where it is neither.
    """
    name = text.lower().removesuffix(".")
    if ":" in name:
        try:
            return f"[{ip_address(name.strip('[]').partition('%')[0])}]"
        except ValueError:
            raise ValueError(f"{text!r} is not a name: leave out scheme, port and path") from None
    if not name.isascii():
        try:
            name = name.encode("idna").decode()  # as browsers send it
        except UnicodeError:
            raise ValueError(f"{text!r} is not a name") from None
    if "*" in name:
        raise ValueError(f"{text!r} would let in the pages of strangers: give each name")
    if not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", name):
        raise ValueError(f"{text!r} is not a name or an address, like museum.example or 192.0.2.1")
    return name


def is_loopback(host):
    """Whether only this machine can reach a server that listens on host: a name or an address."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host.lower().removesuffix(".") == "localhost"
