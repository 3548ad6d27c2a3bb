"""Who is looking at a page, in which language, and how a page reads and writes: in a thread, off the loop."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import anyio.to_thread
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from api.accounts import service as accounts
from api.accounts import sessions
from api.accounts.door import COOKIE
from api.accounts.schemas import Caller
from api.console import figures
from api.context import Service
from api.errors import NotSignedIn, StreetError
from api.settings import Settings
from detector.texts import LANGUAGES, preferred, say

LANGUAGE_COOKIE = "pointwatch_language"
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One page in one browser, from opening to closing."""

    service: Service
    caller: Caller  #: as it was when the page was opened; every read and write looks again
    cookie: str | None  #: the session that the page lives on; None where an API key asked for it
    language: str

    def say(self, key: str, **facts: Any) -> str:
        """Give a text of the catalogue in this visitor's language."""
        return say(key, self.language, **facts)

    def name_of(self, code: str) -> str:
        """Give the name of a class, kind, department or category."""
        return self.service.taxonomy.name_of(code, self.language)

    def moment(self, at: datetime) -> str:
        """Give date and time on the office's clock."""
        return f"{at.astimezone(self.service.settings.zone):%Y-%m-%d %H:%M}"

    def zone(self, at: datetime) -> str:
        """Give the office's time zone with its offset at that moment, e.g. Asia/Shanghai, UTC+08:00."""
        offset = f"{at.astimezone(self.service.settings.zone):%z}"
        return f"{self.service.settings.time_zone}, UTC{offset[:3]}:{offset[3:5]}"

    async def read(self, look: Callable[[Session, Caller], Answer]) -> Answer:
        """Give what `look` finds in one consistent view, for the caller with the roles of this moment.

        Raises:
            NotSignedIn: the key was revoked or the session ended since the page was opened.
        """

        def reading() -> Answer:
            with self.service.database.read() as session:
                return look(session, self._caller_now(session))

        return await anyio.to_thread.run_sync(reading)

    async def write(self, change: Callable[[Session, Caller], Answer]) -> Answer:
        """Give what `change` answers, done by the caller with the roles of this moment, or nothing done at all."""

        def writing() -> Answer:
            with self.service.database.write() as session:
                return change(session, self._caller_now(session))

        return await anyio.to_thread.run_sync(writing)

    async def beat(self) -> int:
        """Give a number that grows when anything in the office has changed; cheap to ask for every second."""
        return await figures.beat(self.service)

    def _caller_now(self, session: Session) -> Caller:
        if self.cookie is not None:
            caller = sessions.caller_of(session, self.cookie)
        else:
            caller = accounts.caller_again(session, user_id=self.caller.user_id, key_id=self.caller.key_id)
        if caller is None:
            raise NotSignedIn
        return caller


def language_of(connection: HTTPConnection, settings: Settings) -> str:
    """Give the language chosen on a page before, else the browser's, else the office's."""
    chosen = connection.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    return preferred(connection.headers.get("accept-language"), settings.language)


def visit_of(connection: HTTPConnection) -> Visit:
    """Give the visit that a request opens; the door has found the caller, the pages' middleware has set the service."""
    service: Service = connection.state.service
    by_key = "authorization" in connection.headers
    return Visit(
        service=service,
        caller=connection.state.caller,
        cookie=None if by_key else connection.cookies.get(COOKIE),
        language=language_of(connection, service.settings),
    )


@contextmanager
def told(visit: Visit) -> Iterator[None]:
    """Tell the person in plain words what was refused; who is no longer signed in goes to the sign-in page."""
    from nicegui import ui

    try:
        yield
    except NotSignedIn:
        ui.navigate.to("/sign-in")
    except StreetError as error:
        ui.notify(words_of(error, visit.language), type="negative", position="top", timeout=8000, close_button="×")


def words_of(error: StreetError, language: str) -> str:
    """Give what a person reads of a refusal: what it is, and what to do about it."""
    code = type(error).code
    advice = say(f"console.problem.{code}", language)
    return say("console.told", language, title=say(f"problem.{code}", language), advice=advice)
