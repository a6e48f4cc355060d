"""Settings of gunicorn for an ASGI program: Uvicorn's workers under its roof."""

workers = 2
worker_class = "uvicorn.workers.UvicornWorker"
