"""A server on the visitor's machine, and the pages of strangers beside it in the browser.

    python -m exhibits.strangers.chromium

starts the guestbook twice, once without `guestbook.guard`, has Chromium open a stranger's page
(`page.html`) from several places, and prints what that page could sign and read.
"""
