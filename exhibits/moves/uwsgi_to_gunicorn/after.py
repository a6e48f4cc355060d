"""Settings of gunicorn, each in the place of one of uWSGI's."""

wsgi_app = "exhibits.moves.uwsgi_to_gunicorn.program"
workers = 2
threads = 4  # more than one: the worker class becomes gthread
timeout = 2  # for the worker as a whole: with threads, a single request has no limit
max_requests = 1000
preload_app = True  # the program is imported before the fork, as uWSGI does without lazy-apps
