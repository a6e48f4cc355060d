"""How a Tornado server ends: nobody new is let in, and who has asked gets an answer first."""

import asyncio
import signal

PATIENCE = 5  # seconds


async def until_told(server, asked):
    """Serve until SIGTERM. asked: the requests not yet answered, kept by the caller."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await told.wait()
    server.stop()
    for _ in range(PATIENCE * 20):
        if not asked:
            break
        await asyncio.sleep(0.05)
    await server.close_all_connections()  # it cuts off who is being answered
