"""Between functions and coroutines, with asgiref: `sync_to_async` and `async_to_sync`.

    python -m exhibits.bridges.both_ways
"""

import asyncio
import threading
import time

from asgiref.sync import async_to_sync, sync_to_async


def slow():
    """A function that blocks, in the thread it is called in; returns that thread's name."""
    time.sleep(0.2)
    return threading.current_thread().name


async def together(slowly):
    """Await slowly three times at once; return the number of its threads, and the seconds."""
    began = time.perf_counter()
    threads = await asyncio.gather(slowly(), slowly(), slowly())
    return len(set(threads)), time.perf_counter() - began


def main():
    # async_to_sync makes a coroutine a function: an event loop runs until the coroutine ends.
    measure = async_to_sync(together)
    # sync_to_async makes a function a coroutine. All calls share one thread, unless told
    # otherwise: much that is older than asyncio ties its connections to the thread that
    # opened them.
    for sensitive in (True, False):
        threads, seconds = measure(sync_to_async(slow, thread_sensitive=sensitive))
        word = "thread" if threads == 1 else "threads"
        print(f"thread_sensitive={sensitive}: {threads} {word}, {seconds:.1f} s")


async def inside():
    async_to_sync(together)  # to make it is allowed, to call it where an event loop runs is not
    try:
        async_to_sync(asyncio.sleep)(0)
    except RuntimeError as error:
        print(error)


if __name__ == "__main__":
    main()
    asyncio.run(inside())
