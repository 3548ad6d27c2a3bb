"""Places outside, as they are met: a real HTTP server that answers well, badly, slowly or not at all."""

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

NETWORK = "127.0.0.0/8"


@dataclass
class Call:
    """One request that came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content


@dataclass
class Manner:
    """How the place answers."""

    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)
    hang_s: float = 0.0  #: before the first byte
    drip_s: float = 0.0  #: between the bytes of the status line, for ever
    reset: bool = False  #: breaks the connection off
    endless: bool = False  #: a body without an end


class Place:
    """Listens on a free port of 127.0.0.1; `manners` are used up one by one, the last one stays."""

    def __init__(self, *manners: Manner, tls: ssl.SSLContext | None = None) -> None:
        self.calls: list[Call] = []
        self.manners = list(manners) or [Manner()]
        place = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                place.calls.append(Call(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                with contextlib.suppress(OSError):
                    place._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}/hook"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self._open = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self.server.shutdown()
        self.server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        manner = self.manners.pop(0) if len(self.manners) > 1 else self.manners[0]
        until = time.monotonic() + manner.hang_s
        while self._open and time.monotonic() < until:
            time.sleep(0.02)
        if manner.reset:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
            return
        if manner.drip_s:
            for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"z" * 10_000:
                handler.wfile.write(bytes([letter]))
                handler.wfile.flush()
                time.sleep(manner.drip_s)
                if not self._open:
                    return
        handler.send_response(manner.status)
        for name, value in manner.headers.items():
            handler.send_header(name, value)
        if not manner.endless:
            handler.send_header("content-length", str(len(manner.body)))
        handler.send_header("connection", "close")
        handler.end_headers()
        handler.wfile.write(manner.body)
        while manner.endless and self._open:
            handler.wfile.write(b"x" * 65536)
        handler.close_connection = True
