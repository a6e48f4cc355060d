"""What the lobby is made of, as it is sent: its own page and script, and those it shares with the published site."""

import mimetypes
from pathlib import Path

from exhibits.backstage.running import CHECKOUT, ROOT
from exhibits.backstage.site.lab import lab_view

HERE = Path(__file__).parent
SHARED = ROOT / "docs" / "assets" if CHECKOUT else HERE / "assets"  # an installed copy has them beside this file
OWN, OF_THE_SITE = ("lobby.css", "lobby.js"), ("museum.css", "lab.css", "lab.js", "journey.js")
SAYS = "What you write goes to the servers above as it is; where one is mounted below its name, the door adds that."


def pages():
    """{path: (media type, bytes)}"""
    files = {name: HERE / name for name in OWN} | {name: SHARED / name for name in OF_THE_SITE}
    page = (HERE / "lobby.html").read_text(encoding="utf-8").replace("<!-- lab -->", lab_view(SAYS, own_programs=False))
    return {"/": ("text/html; charset=utf-8", page.encode())} | {
        f"/lobby/{name}": (f"{mimetypes.guess_type(name)[0]}; charset=utf-8", file.read_bytes())
        for name, file in files.items()
    }
