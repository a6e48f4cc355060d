"""How long a peer may be silent: said to the system once, where settimeout would poll before each recv and send."""

import socket
import struct


def bound(sock: socket.socket, seconds: float) -> None:
    """Let recv and send end with a BlockingIOError after so many seconds in which nothing goes.

    What the program sets with socket.setdefaulttimeout is for its own connections, and every socket begins with it.
    """
    sock.setblocking(True)
    limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1e6))
    for direction in socket.SO_RCVTIMEO, socket.SO_SNDTIMEO:
        sock.setsockopt(socket.SOL_SOCKET, direction, limit)
