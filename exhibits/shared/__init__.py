"""What several rooms share: the CGI variables, a listening socket, the WSGI call, the names of bytes, a log."""
