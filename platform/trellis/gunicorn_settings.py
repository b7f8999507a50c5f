"""Gunicorn's settings: the application is loaded once, then the web processes are forked."""

from __future__ import annotations

from typing import Any

from flask import Flask

worker_class = "gthread"
preload_app = True
graceful_timeout = 10
keepalive = 5
control_socket_disable = True
loglevel = "warning"


def post_fork(_server: object, worker: Any) -> None:
    """Gives up connections that belong to the process we were forked from."""
    application = worker.app.wsgi()
    if isinstance(application, Flask):
        application.extensions["trellis"].database.engine.dispose(close=False)
        application.extensions["trellis_fab_engine"].dispose(close=False)
