"""How the site is served: python -m gunicorn -c deploy/gunicorn.conf.py medspa.wsgi

Every value here can be changed on gunicorn's command line. A socket that systemd hands over (LISTEN_FDS) counts
instead of `bind`, and outlives this server: who knocks while it is restarted waits.
"""

import gc
import os
import socket
import struct
import sys

from gunicorn.glogging import Logger

from medspa.environment import Environment
from medspa.logs import PrivateFormatter

env = Environment(os.environ)
STALLED_SECONDS = 10
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
preload_app = True  # the workers share what the program is made of
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


def when_ready(server):
    """What is loaded stays where the workers share it: no collection looks at it and so copies it.

    A connection that stalls gives its thread back. Accepted sockets inherit this from the listening one."""
    if ours := sys.modules.get("medspa.wsgi"):
        ours.warm_up()
    gc.freeze()
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", STALLED_SECONDS, 0))
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", STALLED_SECONDS, 0))


def post_fork(server, worker):
    gc.enable()
