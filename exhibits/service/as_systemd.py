"""What systemd does for a service that has a socket: python as_systemd.py PORT COMMAND …

It listens, and when the first visitor comes it starts the command, with the socket as file 3 and two
variables that say so: see sd_listen_fds(3). (For the command it is as if systemd had started it.)
"""

import os
import select
import socket
import sys
from pathlib import Path

port, *command = sys.argv[1:]
listener = socket.create_server(("127.0.0.1", int(port)))
Path("listening").touch()
select.select([listener], [], [])
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execvp(command[0], command)
