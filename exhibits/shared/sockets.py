"""What our servers that wait in threads ask of the system: a socket to listen on, and a limit to a peer's silence."""

import socket
import struct


def listener(host: str, port: int) -> socket.socket:
    """A socket that listens at a name or an address, one of IPv6 too. OSError: nobody can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OverflowError, TypeError, UnicodeError) as error:  # it is no port, or no name
        raise OSError(str(error)) from None


def bound(sock: socket.socket, seconds: float) -> None:
    """Let recv and send end with a BlockingIOError after so many seconds in which nothing goes.

    Said to the system once: settimeout would poll before each recv and send.
    What the program sets with socket.setdefaulttimeout is for its own connections, and every socket begins with it.
    """
    sock.setblocking(True)
    limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1e6))
    for direction in socket.SO_RCVTIMEO, socket.SO_SNDTIMEO:
        sock.setsockopt(socket.SOL_SOCKET, direction, limit)
