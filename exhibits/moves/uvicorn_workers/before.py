"""Settings of gunicorn for an ASGI program: Uvicorn's workers under its roof."""

bind = "127.0.0.1:8000"
workers = 2
worker_class = "uvicorn.workers.UvicornWorker"
