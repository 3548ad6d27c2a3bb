"""A wire between a camera and us that can be cut, blocked or made to lie, in a thread of the test's own process."""

import random
import selectors
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

Change = Callable[[bytes], bytes]


class Wire:
    """Carries TCP to a port of this machine. What comes back passes `change`; RTP packets come to it one at a time."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.change: Change = lambda packet: packet
        self.blocked = threading.Event()  # connections stay open and carry nothing any more
        self.connections = 0
        self._ends: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self._closed = False
        threading.Thread(target=self._accept, name="wire", daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._closed = True
        self._door.close()
        self.cut()

    def cut(self) -> None:
        """End all connections, as a camera that loses power behind a switch does not even do."""
        ends, self._ends = self._ends, []
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # who carries notices, and closes

    def _accept(self) -> None:
        with suppress(OSError):
            while not self._closed:
                near, _ = self._door.accept()
                self.connections += 1
                self._ends.append(near)
                try:
                    far = socket.create_connection(("127.0.0.1", self._to))
                except OSError:
                    near.close()
                    continue
                self._ends.append(far)
                threading.Thread(target=self._carry, args=(near, far), name="wire", daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        waiting = b""
        with near, far, selectors.DefaultSelector() as ready, suppress(OSError, ValueError):
            ready.register(near, selectors.EVENT_READ)
            ready.register(far, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    data = key.fileobj.recv(65536)
                    if not data:
                        return
                    if self.blocked.is_set():
                        continue
                    if key.fileobj is near:
                        far.sendall(data)
                        continue
                    packets, waiting = interleaved(waiting + data)
                    near.sendall(b"".join(self.change(one) if one[:2] == b"$\0" else one for one in packets))


def interleaved(data: bytes) -> tuple[list[bytes], bytes]:
    """Cut RTSP's TCP stream into `$`-packets (RFC 2326 section 10.12) and text; give the rest that is not whole yet."""
    packets = []
    while data:
        if data[:1] != b"$":
            end = data.find(b"$")
            packets.append(data if end < 0 else data[:end])
            data = b"" if end < 0 else data[end:]
            continue
        length = 4 + struct.unpack(">H", data[2:4])[0] if len(data) >= 4 else 1 << 30
        if len(data) < length:
            break
        packets.append(data[:length])
        data = data[length:]
    return packets, data


def later_by(seconds: float, after: int) -> Change:
    """Set the RTP time stamps of all packets after the first so many to `seconds` later (or earlier, if negative)."""
    seen = 0

    def change(packet: bytes) -> bytes:
        nonlocal seen
        seen += 1
        if seen <= after:
            return packet
        stamp = (struct.unpack(">I", packet[8:12])[0] + round(seconds * 90_000)) % 2**32
        return packet[:8] + struct.pack(">I", stamp) + packet[12:]

    return change


def damaged(share: float, seed: int = 3) -> Change:
    """Overwrite bytes in the payload of that share of the RTP packets."""
    chance = random.Random(seed)

    def change(packet: bytes) -> bytes:
        if len(packet) < 200 or chance.random() > share:
            return packet
        at = chance.randrange(20, len(packet) - 60)
        return packet[:at] + chance.randbytes(50) + packet[at + 50 :]

    return change
