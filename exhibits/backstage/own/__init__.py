"""A program of the visitor's own behind a stack of the catalog: `serve --app`.

`target.py` understands what was typed and says what is wrong with it, `inspecting.py` finds out in a process
of its own how the program wants to be called, and `stand_in.py` is what servers then import instead of the guestbook.
"""
