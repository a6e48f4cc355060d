"""How a server ends, and how it breaks a connection off."""

import contextlib
import signal
import socket
import struct
from typing import Any

ENDS = {signal.SIGTERM, signal.SIGINT}
if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # under nohup a server outlives its terminal
    ENDS.add(signal.SIGHUP)


def resets(sock: Any) -> None:
    """From now on to close this socket is to reset its connection.

    Where the end of a connection is the end of an answer, nothing else tells that some of it is missing.
    """
    with contextlib.suppress(OSError):  # it is closed
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
