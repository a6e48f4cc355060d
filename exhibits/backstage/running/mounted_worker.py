"""Uvicorn as gunicorn's worker, below a mount point: the worker takes Uvicorn's settings from its class only."""

import os
from typing import ClassVar

from uvicorn_worker import UvicornH11Worker


class Worker(UvicornH11Worker):
    CONFIG_KWARGS: ClassVar = {
        **UvicornH11Worker.CONFIG_KWARGS,
        "root_path": os.environ["SCRIPT_NAME"], "ws": "websockets-sansio", "proxy_headers": False,
    }
