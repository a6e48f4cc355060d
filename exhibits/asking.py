"""The bytes of a request, as the contract, visitors and recordings send it."""


def request(method, path, *headers, body=b"", version="1.1", host="localhost"):
    """The bytes of a request: path and headers ("Name: value") are latin-1 text, nothing is tidied.

    host: the value of Host, which HTTP/1.0 goes without.
    "Content-Length" is added where there is a body and no header announces it.
    """
    lines = [f"{method} {path} HTTP/{version}", *([f"Host: {host}"] if version == "1.1" else []), *headers]
    framed = any(header.lower().startswith(("content-length:", "transfer-encoding:")) for header in headers)
    if body and not framed:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
