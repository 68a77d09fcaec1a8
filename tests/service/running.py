"""The service as it is in life: its own server on a port of this machine, in a thread with a loop of its own."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from service.app import Server, create_app
from service.settings import Settings
from service.store.database import Database


@contextmanager
def running(settings: Settings, database: Database, starts_within_s: float = 20.0, **changed: Any) -> Iterator[str]:
    """Run the service on a migrated database, with some of its `Parts` changed; give its address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    on_port = settings.model_copy(update={"port": port})
    app = create_app(on_port, database)
    app.state.parts = replace(app.state.parts, **changed)
    server = Server(app, on_port)
    thread = threading.Thread(target=server.run, name="service")
    thread.start()
    try:
        deadline_s = time.monotonic() + starts_within_s
        while not server.started:
            assert time.monotonic() < deadline_s, "the service does not start"
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
