"""The smallest CGI-shaped program: what environment, standard input, output and error were, as arguments.

FastCGI and SCGI bring a process the same four things for each request, so this
is the program their specifications had in mind.
"""


def respond(environ, stdin, stdout, stderr):
    stdout.write(b"Content-Type: text/plain; charset=utf-8\n\nHello, World!\n")
