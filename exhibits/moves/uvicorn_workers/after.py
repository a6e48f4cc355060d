"""Settings of gunicorn for an ASGI program: workers of its own."""

bind = "127.0.0.1:8000"
workers = 2
worker_class = "asgi"
