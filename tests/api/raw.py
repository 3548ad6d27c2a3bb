"""Requests written by hand, for what no well-behaved client sends."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

BOUNDARY = b"a-boundary"


@dataclass(frozen=True)
class Part:
    """One part of a multipart body, its headers exactly as they are given."""

    headers: bytes
    content: bytes = b""


def photo_part(filename: bytes, content: bytes) -> Part:
    return Part(
        b'Content-Disposition: form-data; name="photos"; filename="' + filename + b'"\r\nContent-Type: image/jpeg',
        content,
    )


def field_part(name: bytes, value: bytes) -> Part:
    return Part(b'Content-Disposition: form-data; name="' + name + b'"', value)


def multipart(*parts: Part) -> bytes:
    """Give the body of a multipart request."""
    body = b"".join(b"--" + BOUNDARY + b"\r\n" + part.headers + b"\r\n\r\n" + part.content + b"\r\n" for part in parts)
    return body + b"--" + BOUNDARY + b"--\r\n"


def post(
    url: str, path: str, key: str, chunks: Iterable[bytes], *, headers: Iterable[bytes] = (), timeout_s: float = 30.0
) -> tuple[int, bytes]:
    """Send a request line, headers and raw chunks of body; give status and all that came back.

    A server that refuses may stop reading: what it says before that counts.
    """
    where = urlsplit(url)
    head = [
        b"POST " + path.encode() + b" HTTP/1.1",
        b"Host: " + where.netloc.encode(),
        b"Authorization: Bearer " + key.encode(),
        *headers,
    ]
    with socket.create_connection((where.hostname or "", where.port or 80), timeout=timeout_s) as connection:
        try:
            connection.sendall(b"\r\n".join(head) + b"\r\n\r\n")
            for chunk in chunks:
                connection.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = _read(connection)
    status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0
    return status, answer


def chunked(blocks: Iterable[bytes]) -> Iterable[bytes]:
    """Give blocks as the chunks of a body without a length."""
    for block in blocks:
        yield f"{len(block):x}\r\n".encode() + block + b"\r\n"
    yield b"0\r\n\r\n"


def _read(connection: socket.socket) -> bytes:
    """Read until the server closes, the answer is whole, or nothing more comes."""
    received = b""
    try:
        while block := connection.recv(65536):
            received += block
            head, _, body = received.partition(b"\r\n\r\n")
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:") and len(body) >= int(line.split(b":")[1]):
                    return received
    except (TimeoutError, ConnectionResetError):
        pass
    return received
