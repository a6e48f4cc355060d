"""The laboratory: the museum's wires and servers without sockets, processes and threads, as in a web page.

A page has no network of its own. What a server does with a socket or with a transport of asyncio it does
here with an object that looks like one (`ends.py`); the rest is the code of the rooms, unchanged:

    stages.py     one request to one stage, and the journey that it makes
    front.py      the web server before CGI, FastCGI, SCGI and uwsgi, and the four ways from it to the program
    programs.py   the program: the museum's own, or the reader's text

What the page's script calls is backstage/pyodide/page.py. All of it runs in CPython as well, which is how it is tested.
"""
