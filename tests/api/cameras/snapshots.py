"""A camera that gives one picture each time it is asked, over HTTP."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def snapshots(picture: bytes) -> Iterator[str]:
    """Give its address; it answers to who knows a name and a password, whichever."""

    class Camera(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = "Basic" in self.headers.get("Authorization", "")
            self.send_response(200 if known else 401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(picture) if known else 0))
            self.end_headers()
            self.wfile.write(picture if known else b"")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/still.jpg"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
