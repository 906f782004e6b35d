"""How the site is served: python -m gunicorn -c deploy/gunicorn.conf.py medspa.wsgi

Every value here can be changed on gunicorn's command line. A socket that systemd hands over (LISTEN_FDS) counts
instead of `bind`, and outlives this server: who knocks while it is restarted waits.
"""

import gc
import os
import re
import signal
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path

from gunicorn.glogging import Logger

from medspa.environment import PROJECT, Environment, read_database
from medspa.logs import PrivateFormatter
from treatments.first_pages import FILE, FirstPages, left_behind

env = Environment(os.environ)
STALLED_SECONDS = 10
LIBRARY = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) r-.p \S+ \S+ \d+ +/.*\.so[.\d]*\n((?:[A-Z].*\n)+)", re.MULTILINE)
CHANGED = re.compile(r"^(?:Anonymous|Swap): +[1-9]", re.MULTILINE)
DONTNEED = 4  # MADV_DONTNEED on Linux
gc.disable()  # until a worker begins: what is loaded stays, and looking through it is a fifth of starting


class PrivateLogger(Logger):
    """gunicorn's own lines quote addresses, and an address may be a patient's private link."""

    def setup(self, cfg):
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(PrivateFormatter(as_json=env.one_of("LOG_FORMAT", ["text", "json"]) == "json"))


bind = f"127.0.0.1:{env.number('PORT', 8000)}"
workers = env.number("WEB_CONCURRENCY", 2, at_least=1)
worker_class = "gthread"
preload_app = False  # `on_starting` does it: the workers share what the program is made of
threads = 16  # a client that sends slowly holds one; each may hold one database connection
timeout = 60  # seconds without a sign of life from a worker, before it is replaced
graceful_timeout = 20
keepalive = 5
max_requests = 10_000  # a worker that leaks is replaced before it hurts
max_requests_jitter = 1_000
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
forwarder_headers = ""  # who comes by a socket is believed; nobody says under which address the site stands
umask = 0o077
control_socket_disable = True
accesslog = None  # an access log would keep patients' private links and addresses
loglevel = "warning"
logger_class = PrivateLogger


def on_starting(server):
    """Before anybody can knock: the program is loaded, unless pages were left that can be shown meanwhile."""
    server.app.callable = pages_left(server.app)
    if server.app.callable is None:
        load(server.app)


def pages_left(app):
    """Those of the server before, if they are still true. On PostgreSQL that cannot be known yet."""
    folder = PROJECT / env.text("VAR_DIR", "var")
    database = read_database(env.text("DATABASE_URL"), folder)
    if app.app_uri != "medspa.wsgi" or database["ENGINE"] != "medspa.sqlite":
        return None
    return left_behind(folder / FILE, database["NAME"], app.load)


def load(app):
    app.wsgi()
    if ours := sys.modules.get("medspa.wsgi"):
        ours.warm_up()


def when_ready(server):
    """What is loaded stays where the workers share it: no collection looks at it and so copies it.

    A connection that stalls gives its thread back. Accepted sockets inherit this from the listening one."""
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", STALLED_SECONDS, 0))
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", STALLED_SECONDS, 0))
    if isinstance(server.app.callable, FirstPages):
        load_beside_a_first_worker(server)
    give_back_libraries()
    gc.freeze()


def load_beside_a_first_worker(server):
    """One more process, which shows the pages that were left until the others can be forked."""
    first = server.spawn_worker()
    server.app.callable = None
    try:
        load(server.app)
    finally:  # it answers whom it has let in, and is not one of those that are replaced
        server.WORKERS.pop(first).tmp.close()
        os.kill(first, signal.SIGTERM)


def give_back_libraries():
    """Of a library, what was read only to load it; the kernel reads it again for whoever uses it. On Linux.

    What a library has written of its own would be lost, so a piece with any of that is left alone."""
    with suppress(ImportError, OSError, MemoryError):
        import ctypes

        madvise = ctypes.CDLL(None).madvise
        for begin, end, figures in LIBRARY.findall(Path("/proc/self/smaps").read_text()):
            if not CHANGED.search(figures):
                place = int(begin, 16)
                madvise(ctypes.c_void_p(place), ctypes.c_size_t(int(end, 16) - place), DONTNEED)


def post_fork(server, worker):
    gc.enable()


def worker_exit(server, worker):
    if (ours := sys.modules.get("medspa.wsgi")) and getattr(worker, "wsgi", None) is ours.application:
        ours.leave_pages()
