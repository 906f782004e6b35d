"""Is the site well? Asks /healthz by the socket that the web server uses. Exit code 0 if it is, else 1.

python3 deploy/ask_health.py [/run/medspa/web.sock]
"""

import http.client
import os
import socket
import sys


class BySocket(http.client.HTTPConnection):
    """HTTP on a local socket."""

    def __init__(self, path: str, *, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(path: str, host: str, *, seconds: float = 60) -> tuple[int, str]:
    """The status and the words of /healthz; 0 and why, if nobody answers."""
    connection = BySocket(path, seconds=seconds)
    try:
        connection.request("GET", "/healthz", headers={"Host": host, "X-Forwarded-Proto": "https"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as trouble:
        return 0, f"Nobody answers at {path}: {trouble}"
    finally:
        connection.close()


if __name__ == "__main__":
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip("'\" ")
    status, words = ask(sys.argv[1] if len(sys.argv) > 1 else "/run/medspa/web.sock", host, seconds=10)
    print(words)
    sys.exit(0 if status == http.client.OK else 1)
