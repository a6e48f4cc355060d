"""How a command ends before its end: interrupted, left by who started it, or with nobody who reads what it prints."""

import contextlib
import os
import signal
import sys
import threading
import time

SIGNALS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP  # what a visitor stops us with
MAKING = threading.Lock()  # held by a thread while the guard does not know yet what the thread has made
LAST = 5  # seconds after which nothing is waited for any more

# A job in the background, or one under nohup, is meant to stay when the shell that started it goes.
STAYS = any(signal.getsignal(number) is signal.SIG_IGN for number in (signal.SIGINT, signal.SIGHUP))


def in_order():
    """From now on a signal is a KeyboardInterrupt, and so is the end of who started us."""
    for number in SIGNALS:
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    if os.getppid() != 1 and (not STAYS or "MUSEUM_NOX" in os.environ):
        threading.Thread(target=watch, args=(os.getppid(),), daemon=True).start()


def interrupt(number, frame):
    """Stop once: while everything is being stopped, further signals change nothing."""
    settle()
    if frame and frame.f_code.co_filename.startswith("<frozen importlib"):
        # In one of its callbacks Python would print the exception and go on as if nothing had come.
        signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.01)  # again in a moment
        return
    raise KeyboardInterrupt


def settle():
    """All is done, or is being stopped: signals change nothing any more."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def watch(parent):
    """Wait until the process that started us is gone, killed perhaps, and stop then."""
    while os.getppid() == parent:
        time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LAST)
    os._exit(1)


@contextlib.contextmanager
def uninterrupted():
    """A signal waits for the end of the block, so that what is made in it is known to who has to clean up."""
    if threading.current_thread() is not threading.main_thread():  # signals interrupt the main thread only
        with MAKING:
            yield
        return
    came = []
    handlers = {number: signal.signal(number, lambda number, _: came.append(number)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


@contextlib.contextmanager
def workers(count):
    """A ThreadPoolExecutor that, where the block is interrupted, begins nothing more and is not waited for."""
    from concurrent.futures import ThreadPoolExecutor  # slow to import, and this module comes first

    pool = ThreadPoolExecutor(count)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def leave(code):
    """End without waiting for threads: the guard of each exhibit stops what they have started."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    MAKING.acquire(timeout=LAST)
    os._exit(code)


def hush():
    """Nobody reads our output: what is left of it goes nowhere, without a complaint when Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def take_care_of_output():
    """Print whatever the terminal cannot show as "?", and nothing where there is no output at all."""
    if not os.environ.get("COLUMNS", "0").strip("0"):
        os.environ.pop("COLUMNS", None)  # of a terminal that does not know its width; rich would print nothing
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
