"""The exhibits of the museum: one guestbook, served through every gateway Python has had."""

import sys

# Written for any Python: an old one shall say this, and nothing of a syntax it does not know.
if sys.version_info < (3, 11):
    sys.exit("the museum needs Python 3.11 or newer; this is %d.%d" % sys.version_info[:2])
