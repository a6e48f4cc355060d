#!/usr/bin/env python
# A form and what was sent with it, as CGI scripts were written when Python came
# to the web: the cgi module takes the request apart, print is the answer.
# Python 2.7 runs it as it stands, and so does Python 3 up to 3.12. Python 3.13
# has no cgi module any more: there "pip install legacy-cgi" brings it back.
import cgi

form = cgi.FieldStorage()

print("Content-type: text/html")
print("")
print("<title>Guestbook</title>")
print("<h1>Sign my guestbook!</h1>")
if "name" in form:
    name = form["name"].value.replace("&", "&amp;").replace("<", "&lt;")
    print("<p>Thank you, <b>%s</b>, for your visit." % name)  # noqa: UP031
print('<form method="post"><input name="name"> <input type="submit" value="Sign"></form>')
