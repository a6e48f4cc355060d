"""The meaning of each call of WSGI and of each key of its environ, for people. The room `http` has its bytes."""

from exhibits.shared import cgi_variables

ENVIRON, DETAILS = "PEP 3333 § environ Variables", "PEP 3333 § Specification Details"
STREAMS = "PEP 3333 § Input and Error Streams"
CALLS = {
    "application": ("The server calls the program, once for each request.", "PEP 3333 § The Server/Gateway Side"),
    "start_response": ("The program begins its answer: status and header fields.",
                       "PEP 3333 § The start_response() Callable"),
    "write": ("The program sends a piece of the body, in a way that new programs should not use.",
              "PEP 3333 § The write() Callable"),
    "len": ("How many pieces the body has, where that can be asked.", DETAILS),
    "iter": ("The server begins to go through the body.", DETAILS),
    "next": ("The server takes the next piece of the body.", DETAILS),
    "close": ("The server is done with the body, however the request ended.", DETAILS),
    "wsgi.input.read": ("The program reads the body of the request.", STREAMS),
    "wsgi.input.readline": ("The program reads a line of the body of the request.", STREAMS),
    "wsgi.input.readlines": ("The program reads the body of the request in lines.", STREAMS),
    "wsgi.errors.write": ("The program says something for the log.", STREAMS),
    "wsgi.errors.writelines": ("The program says something for the log.", STREAMS),
    "wsgi.errors.flush": ("The program wants what it said to be written by now.", STREAMS),
}
KEYS = {  # the first of them are RFC 3875's too, but PEP 3333 has words of its own for them
    "REQUEST_METHOD": ("The method of the request.", ENVIRON),
    "SCRIPT_NAME": ("The beginning of the path, which leads to the program. It may be empty.", ENVIRON),
    "PATH_INFO": ("The rest of the path, which leads on within the program.", ENVIRON),
    "QUERY_STRING": ("The query behind ?.", ENVIRON),
    "CONTENT_TYPE": ("What the field Content-Type of the request says.", ENVIRON),
    "CONTENT_LENGTH": ("What the field Content-Length of the request says.", ENVIRON),
    "SERVER_NAME": ("The host, where HTTP_HOST does not name it. Never empty.", ENVIRON),
    "SERVER_PORT": ("The port, where HTTP_HOST does not name it. Never empty.", ENVIRON),
    "SERVER_PROTOCOL": ("The version of HTTP in which the client sent the request.", ENVIRON),
    "wsgi.version": ("The version of WSGI, 1.0.", ENVIRON),
    "wsgi.url_scheme": ("The scheme of the address.", ENVIRON),
    "wsgi.input": ("The stream from which the program reads the body.", ENVIRON),
    "wsgi.errors": ("The stream to which the program writes for the log.", ENVIRON),
    "wsgi.multithread": ("Whether another thread may call the program at the same time.", ENVIRON),
    "wsgi.multiprocess": ("Whether another process may call a program like it at the same time.", ENVIRON),
    "wsgi.run_once": ("Whether the server expects to call the program this one time, as with CGI.", ENVIRON),
    "wsgi.file_wrapper": ("What makes a body of a file, which the server can send in a quicker way.",
                          "PEP 3333 § Optional Platform-Specific File Handling"),
    "wsgi.early_hints": ("gunicorn's: sends a 103 Early Hints.", "gunicorn, gunicorn/http/wsgi.py"),
}
HEADER_FIELD = "A header field of the request.", ENVIRON
OF_A_SERVER = "A variable that this server defines.", ENVIRON


def explain_call(name: str) -> tuple[str, str]:
    """What a call is for, and where that is laid down. KeyError for one that WSGI does not have."""
    return CALLS[name]


def explain_key(environ: dict, key: str) -> tuple[str, str]:
    """What a key of an environ (dict) is for, and where that is laid down."""
    if key in KEYS:
        return KEYS[key]
    if key.startswith("HTTP_"):
        return HEADER_FIELD
    return OF_A_SERVER if "." in key else cgi_variables.meaning(key)
