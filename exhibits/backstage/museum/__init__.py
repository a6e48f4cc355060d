"""The museum at home: all default stages behind one door, with one guestbook, and a lobby to ask them all from.

`house.py` starts the stages and looks after them, `door.py` is what visitors talk to, `passing.py` how a request
gets to a stage and its answer back, `strip.py` what is remembered of them, `processes.py` who works behind it.

The door is a program of ours, and no nginx with six locations: a proxy that writes each request anew would show
bytes that no visitor has sent, and could not say of a request which journey was its own. This one hands on
what it gets, over a connection of its own for each request; by the port of that, the taps know what belongs together.
"""
