"""Settings of gunicorn for an ASGI program: workers of its own."""

workers = 2
worker_class = "asgi"
