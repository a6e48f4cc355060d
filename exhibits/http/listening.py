"""Who comes gets a thread: how our CGI and WSGI servers begin, go on and end."""

import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

from exhibits.shared import sockets
from exhibits.shared.ends import ENDS
from exhibits.shared.log import log


def serve(host: str, port: int, visitor: Callable) -> None:
    """Listen, until a signal comes that ends it. Where nobody can listen the process ends, with a sentence and 2.

    visitor: called with a connected socket and its address; `serve` of what it returns is run in a thread of its own.
    """
    try:
        listener = sockets.listener(host, port)
    except OSError as error:
        log(f"cannot listen on {host} port {port}: {error}")
        sys.exit(2)
    listener.setblocking(False)
    # A signal is a byte to be read, like a visitor: one that comes just before we wait is not missed.
    bell, button = socket.socketpair()
    button.setblocking(False)
    signal.set_wakeup_fd(button.fileno())
    for number in ENDS:
        signal.signal(number, lambda *_: None)
    log(f"listening on {host} port {listener.getsockname()[1]}")
    short = False  # of file descriptors or threads
    poll = select.poll()  # select knows no file descriptor beyond 1023, and programs open files
    for sock in listener, bell:
        poll.register(sock, select.POLLIN)
    while True:
        if (bell.fileno(), select.POLLIN) in poll.poll() and ENDS & set(bell.recv(4096)):
            signal.set_wakeup_fd(-1)  # nobody reads it any more
            return
        try:
            threading.Thread(target=visitor(*listener.accept()).serve, daemon=True).start()
            short = False
        except BlockingIOError:
            pass  # it was another signal, or the visitor has left
        except (OSError, RuntimeError) as error:
            if not short:  # one sentence, until there are some again
                log(f"nobody can be accepted for now: {error}")
            short = True
            time.sleep(0.1)
