"""Who is listening where."""

import socket

import httpx

from api.errors import Misconfigured


def is_free(host: str, port: int) -> bool:
    """Say whether nothing listens on a TCP port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def is_pointwatch(url: str) -> bool:
    """Say whether a running Pointwatch answers there."""
    try:
        answer = httpx.get(f"{url}/healthz", timeout=2, trust_env=False)
        return answer.status_code == 200 and answer.json().get("service") == "pointwatch"
    except (httpx.HTTPError, ValueError, AttributeError):
        return False


def require_free_port(host: str, port: int) -> None:
    """Make sure that the service can listen.

    Raises:
        Misconfigured: something else is there.
    """
    if not is_free(host, port):
        raise Misconfigured(
            f"{host}:{port} is taken by another program. Stop it, or choose another port with POINTWATCH_PORT."
        )
