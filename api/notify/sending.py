"""One message to one webhook over HTTP. Whatever the other side does, this ends in time and reads little."""

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import certifi
import httpx

from api.notify.addresses import AddressRefused, Lookup, NameUnknown, Network, Target, find_address, look_up
from api.notify.schemas import Failure
from api.notify.templates import Dialect, Parcel

MOST_ANSWER_BYTES = 4096
SHOWN_LETTERS = 500
LONGEST_WAIT_S = 3600.0  # however long a receiver asks us to wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a try went."""

    took_ms: int
    status: int | None = None
    failure: Failure | None = None
    answer: str = ""
    wait_s: float | None = None  #: the receiver's own wish, before the next try

    @property
    def good(self) -> bool:
        """Say whether the message was taken."""
        return self.failure is None


class Sender:
    """Speaks HTTP to strangers: no redirects, no proxies, no cookies, one connection a message."""

    def __init__(self, *, timeout_s: float, networks: Sequence[Network], lookup: Lookup = look_up) -> None:
        self._timeout_s = timeout_s
        self._networks = networks
        self._lookup = lookup
        self._tls = ssl.create_default_context()  # the system's authorities, or those of SSL_CERT_FILE
        self._tls.load_verify_locations(certifi.where())

    async def send(self, target: Target, parcel: Parcel, dialect: Dialect) -> Outcome:
        """Send, and say how it went; never raises for what the other side does."""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):  # over everything: a slow drip resets each smaller limit
                outcome = await self._exchange(target, parcel, dialect)
        except TimeoutError:
            outcome = _failed(Failure.timeout)
        except NameUnknown:
            outcome = _failed(Failure.unknown_name)
        except AddressRefused as error:
            outcome = _failed(Failure.refused_address, str(error))
        except httpx.HTTPError as error:
            outcome = _failed(_failure_of(error))
        took = round((time.monotonic() - begun) * 1000)
        return Outcome(
            took_ms=took,
            status=outcome.status,
            failure=outcome.failure,
            answer=outcome.answer,
            wait_s=outcome.wait_s,
        )

    async def _exchange(self, target: Target, parcel: Parcel, dialect: Dialect) -> Outcome:
        address = await find_address(target, self._networks, self._lookup)
        joint = "&" if "?" in target.path else "?"
        path = target.path + (f"{joint}{parcel.query}" if parcel.query else "")
        host = f"[{address}]" if ":" in address else address
        request = httpx.Request(
            "POST",
            f"{target.scheme}://{host}:{target.port}{path}",
            content=parcel.body,
            headers={
                **parcel.headers,
                "host": target.authority,
                "content-type": "application/json; charset=utf-8",
                "accept-encoding": "identity",
                "connection": "close",
                "user-agent": f"Pointwatch/{version('pointwatch')}",
            },
            # The connection goes to the address that was checked; the certificate must be the name's.
            extensions={"sni_hostname": target.host, "timeout": httpx.Timeout(self._timeout_s).as_dict()},
        )
        transport = httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, retries=0)
        async with transport:
            response = await transport.handle_async_request(request)
            try:
                return _judge(response.status_code, response.headers, await _first_bytes(response), dialect)
            finally:
                await response.aclose()


async def _first_bytes(response: httpx.Response) -> bytes:
    assert isinstance(response.stream, httpx.AsyncByteStream)
    read = b""
    async for chunk in response.stream:
        read += chunk
        if len(read) >= MOST_ANSWER_BYTES:
            break
    return read[:MOST_ANSWER_BYTES]


def _judge(status: int, headers: httpx.Headers, body: bytes, dialect: Dialect) -> Outcome:
    answer = _shown(body)
    if 200 <= status < 300:
        verdict = dialect.judge(status, body)
        return Outcome(took_ms=0, status=status, failure=verdict.failure, answer=answer, wait_s=verdict.wait_s)
    failure = (
        Failure.gone
        if status == 410
        else Failure.slow_down
        if status == 429
        else Failure.redirected
        if 300 <= status < 400
        else Failure.status
    )
    return Outcome(took_ms=0, status=status, failure=failure, answer=answer, wait_s=_wished(headers))


def _wished(headers: httpx.Headers) -> float | None:
    """Give how many seconds the receiver asks us to wait, within reason; a date in that header is not read."""
    text = headers.get("retry-after", "")
    return min(float(text), LONGEST_WAIT_S) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _shown(body: bytes) -> str:
    text = body.decode("utf-8", errors="replace")
    return "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text)[:SHOWN_LETTERS]


def _failed(failure: Failure, answer: str = "") -> Outcome:
    return Outcome(took_ms=0, failure=failure, answer=answer)


def _failure_of(error: httpx.HTTPError) -> Failure:
    if isinstance(error, httpx.TimeoutException):
        return Failure.timeout
    if isinstance(error, httpx.ConnectError):
        causes: list[BaseException] = []
        cause: BaseException | None = error
        while cause is not None and cause not in causes:
            causes.append(cause)
            cause = cause.__cause__ or cause.__context__
        return Failure.tls if any(isinstance(one, ssl.SSLError) for one in causes) else Failure.no_connection
    return Failure.broken_off
