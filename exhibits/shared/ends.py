"""The signals that end a server."""

import signal

ENDS = {signal.SIGTERM, signal.SIGINT}
if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # under nohup a server outlives its terminal
    ENDS.add(signal.SIGHUP)
