"""Starting a stack of the catalog and stopping it without a trace."""

from exhibits.backstage.running.exhibit import Exhibit, eventually, module_path
from exhibits.backstage.running.installed import CHECKOUT, GUESTBOOK, ROOT, missing, program, version
from exhibits.backstage.running.nobody import nobody_writes, readable_python, runs_as_nobody
from exhibits.backstage.running.ports import CannotStart, PortTaken, free_port, is_free

__all__ = [
    "CHECKOUT", "GUESTBOOK", "ROOT", "CannotStart", "Exhibit", "PortTaken", "eventually", "free_port", "is_free",
    "missing", "module_path", "nobody_writes", "program", "readable_python", "runs_as_nobody", "version",
]
