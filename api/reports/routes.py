"""Bulletins, registers, repeats and talks over HTTP."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import anyio.to_thread
from fastapi import Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.accounts.schemas import Scope as Within
from api.context import Context, Service
from api.database import now
from api.errors import Unavailable
from api.paging import Paged, PageOf
from api.reports import cases, figures, files, register, service
from api.reports.files import Format
from api.reports.names import Names
from api.reports.periods import Period, day_of, period_of
from api.reports.schemas import Bulletin, BulletinView, Candidate, Named, NewTalk, Reason, Repeat, Scope, TalkView
from api.reports.tables import PublishedBulletin, Talk
from api.reports.wording import Wording, read_wording
from detector.texts import preferred

router = Router(tags=["reports"])

Viewer = Annotated[Caller, Depends(allow(Permission.view_reports))]
Publisher = Annotated[Caller, Depends(allow(Permission.publish_reports))]
TalkRecorder = Annotated[Caller, Depends(allow(Permission.record_talks))]

MOST_BEHIND = 20_000  # events of the log that a request reads on by itself
_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """The period and the place that a query names."""

    day: Annotated[str | None, Query(max_length=20, examples=["2026-11-23"])] = None
    week: Annotated[str | None, Query(max_length=20, description="ISO week", examples=["2026-47"])] = None
    month: Annotated[str | None, Query(max_length=20, examples=["2026-11"])] = None
    since: Annotated[str | None, Query(alias="from", max_length=20, description="first day of a stage")] = None
    until: Annotated[str | None, Query(alias="to", max_length=20, description="last day of a stage")] = None
    community: Annotated[str, Query(max_length=80)] = ""
    department: Annotated[str, Query(max_length=48, description="code")] = ""

    def period(self, context: Service) -> Period:
        """Give the period that is named.

        Raises:
            Unfit: none, or more than one.
        """
        zone = context.settings.zone
        return period_of(zone, day=self.day, week=self.week, month=self.month, since=self.since, until=self.until)

    @property
    def is_given(self) -> bool:
        """Say whether a period is named at all."""
        return any((self.day, self.week, self.month, self.since, self.until))

    @property
    def scope(self) -> Scope:
        """Give the place that is named."""
        return Scope(community=self.community, department=self.department)


Wanted = Annotated[Asked, Depends()]
Language = Annotated[Literal["zh", "en"] | None, Query(description="of a document; by default as the reader prefers")]


def wording_of(context: Service) -> Wording:
    """Give what bulletins say, and the rules of the talk list."""
    return read_wording(context.settings.bulletin_file)


def desk_of(context: Service) -> service.Desk:
    """Give what bulletins are written with."""
    return service.Desk(wording=wording_of(context), taxonomy=context.taxonomy)


def calendar_of(context: Service) -> cases.Calendar:
    """Give what the log is read with."""
    return cases.Calendar(taxonomy=context.taxonomy, office=context.office)


def read_up(context: Service) -> None:
    """Read what the log has gained since, so that every figure is of this moment.

    Raises:
        Unavailable: there is too much of it to let somebody wait.
    """
    with context.database.read() as session:
        behind = cases.behind(session)
    if behind > MOST_BEHIND:
        raise Unavailable(f"The figures are {behind} events behind the log; the worker is reading it. Try again later.")
    if behind:
        cases.catch_up(context.database, calendar_of(context))


def preview(context: Service, caller: Caller, period: Period, scope: Scope) -> Bulletin:
    """Give the bulletin of a period as it would be published now, of what the caller may see."""
    read_up(context)
    with context.database.read() as session:
        seen = service.within(caller.scope(Permission.view_reports))
        return service.compile_bulletin(session, desk_of(context), period, scope, seen)


def publish_now(context: Service, caller: Caller | None, period: Period, scope: Scope) -> BulletinView:
    """Count, number and freeze the bulletin of a period."""
    read_up(context)
    with context.database.write() as session:
        bulletin = service.compile_bulletin(session, desk_of(context), period, scope, [])
        return view(service.publish(session, bulletin, caller))


def view(row: PublishedBulletin) -> BulletinView:
    """Give a published bulletin as it is listed."""
    columns = {name: getattr(row, name) for name in BulletinView.model_fields if name not in ("number", "period")}
    return BulletinView(number=service.number_of(row), period=_frozen(row).period.period().code, **columns)


def _frozen(row: PublishedBulletin) -> Bulletin:
    return Bulletin.model_validate(row.content)


def _chosen(language: str | None, request: Request, context: Service) -> str:
    return language or preferred(request.headers.get("accept-language"), context.settings.language)


def document(context: Service, bulletin: Bulletin, language: str, wanted: Format) -> Response:
    """Give a bulletin as a file to keep; a page is shown."""
    content = files.write(bulletin, wording_of(context), language, wanted, context.media)
    shown = "inline" if wanted in (Format.html, Format.json) else "attachment"
    headers = {"Content-Disposition": f'{shown}; filename="{files.filename(bulletin, wanted)}"'}
    if wanted is Format.html:
        headers["Content-Security-Policy"] = files.PAGE_POLICY
    return Response(content, media_type=files.MEDIA_TYPES[wanted], headers=headers)


@router.get("/bulletins", summary="The published bulletins, newest first")
def list_bulletins(context: Context, _: Viewer, window: Paged) -> PageOf[BulletinView]:
    with context.database.read() as session:
        rows, following = service.list_bulletins(session, window)
        return PageOf(items=[view(row) for row in rows], next=following)


@router.get(
    "/bulletins/preview",
    summary="The figures of a period, or its bulletin as it would be published now",
    response_model=Bulletin,
)
async def preview_bulletin(
    request: Request,
    context: Context,
    caller: Viewer,
    wanted: Wanted,
    format: Format = Format.json,  # noqa: A002 - the query's name
    language: Language = None,
) -> Response:
    def make() -> Response:
        bulletin = preview(context, caller, wanted.period(context), wanted.scope)
        return document(context, bulletin, _chosen(language, request, context), format)

    return await anyio.to_thread.run_sync(make, limiter=context.writing)


@router.post("/bulletins", status_code=201, summary="Publish the bulletin of a period that is over; for good")
def publish_bulletin(context: Context, caller: Publisher, wanted: Wanted, response: Response) -> BulletinView:
    made = publish_now(context, caller, wanted.period(context), wanted.scope)
    response.headers["Location"] = f"/api/v1/bulletins/{made.number}"
    return made


@router.get("/bulletins/{number}", summary="A published bulletin, as figures or as a document", response_model=Bulletin)
async def get_bulletin(
    request: Request,
    context: Context,
    _: Viewer,
    number: str,
    format: Format = Format.json,  # noqa: A002 - the query's name
    language: Language = None,
) -> Response:
    def make() -> Response:
        with context.database.read() as session:
            bulletin = _frozen(service.get_bulletin(session, number))
        return document(context, bulletin, _chosen(language, request, context), format)

    return await anyio.to_thread.run_sync(make, limiter=context.writing)


@router.get("/register", summary="Every case, one a row, as CSV or XLSX", response_class=StreamingResponse)
async def get_register(
    request: Request,
    context: Context,
    caller: Viewer,
    wanted: Wanted,
    format: Literal["csv", "xlsx"] = "csv",  # noqa: A002 - the query's name
    language: Language = None,
) -> StreamingResponse:
    chosen = _chosen(language, request, context)

    def start() -> Iterator[bytes]:
        read_up(context)
        period = wanted.period(context) if wanted.is_given else None
        return content(context, period, wanted.scope, caller.scope(Permission.view_reports), chosen, format)

    media_type = files.XLSX if format == "xlsx" else "text/csv; charset=utf-8"
    headers = {"Content-Disposition": f'attachment; filename="register.{format}"'}
    body = await anyio.to_thread.run_sync(start, limiter=context.writing)
    return StreamingResponse(body, media_type=media_type, headers=headers)


def content(
    context: Service, period: Period | None, scope: Scope, within: Within, language: str, suffix: str
) -> Iterator[bytes]:
    """Give the register's bytes bit by bit; a workbook is written to the disk first."""
    asked = register.Wanted(
        period=period,
        conditions=[*figures.where(scope), *service.within(within)],
        language=language,
        zone=context.settings.zone,
    )
    rows = register.rows(context.database, context.taxonomy, asked)
    return register.as_csv(rows) if suffix == "csv" else spooled(rows, register.title(language))


def spooled(rows: Iterator[register.Row], title: str) -> Iterator[bytes]:
    """Give rows as a workbook, bit by bit; it is written to the disk first."""
    with tempfile.TemporaryFile() as file:
        register.write_xlsx(rows, title, file)
        file.seek(0)
        while block := file.read(_CHUNK_BYTES):
            yield block


@router.get("/repeats", summary="What keeps coming back: cases of one class at one point")
def list_repeats(
    context: Context,
    caller: Viewer,
    days: Annotated[int | None, Query(ge=1, le=1096, description="window up to now; by default the office's")] = None,
    at_least: Annotated[int | None, Query(ge=2, le=100)] = None,
) -> list[Repeat]:
    read_up(context)
    rule = wording_of(context).repeats
    with context.database.read() as session:
        seen = service.within(caller.scope(Permission.view_reports))
        names = Names(session, context.taxonomy)
        at = now()
        return service.list_repeats(session, names, at, at, days or rule.window_days, at_least or rule.at_least, seen)


@router.get("/talks/due", summary="Who should be called to a talk, by the rules, with the issues behind each name")
def list_candidates(
    context: Context,
    caller: Viewer,
    day: Annotated[str | None, Query(max_length=20, description="as it stood at the end of this day")] = None,
) -> list[Candidate]:
    read_up(context)
    until = day_named(context, day)
    with context.database.read() as session:
        seen = service.within(caller.scope(Permission.view_reports))
        return service.list_candidates(session, desk_of(context), until.end, seen)


def day_named(context: Service, day: str | None) -> Period:
    """Give the day that is named, today where none is.

    Raises:
        Unfit: it is no day.
    """
    zone = context.settings.zone
    return period_of(zone, day=day or day_of(now(), zone).isoformat())


@router.get("/talks", summary="The talks that were held, the newest record first")
def list_talks(context: Context, _: Viewer, window: Paged) -> PageOf[TalkView]:
    with context.database.read() as session:
        rows, following = service.list_talks(session, window)
        return PageOf(items=[talk_view(row) for row in rows], next=following)


@router.post("/talks", status_code=201, summary="Write down that a talk was held")
def record_talk(context: Context, caller: TalkRecorder, fields: NewTalk) -> TalkView:
    read_up(context)
    with context.database.write() as session:
        until = day_named(context, fields.day)
        return talk_view(service.record_talk(session, desk_of(context), fields, until, caller))


def talk_view(row: Talk) -> TalkView:
    """Give a talk as it is sent."""
    names = ("id", "subject", "person", "held_at", "held_by", "note", "until_day", "recorded_at")
    return TalkView(
        of=Named(code=row.code, zh=row.name_zh, en=row.name_en),
        reasons=[Reason.model_validate(one) for one in row.reasons],
        **{name: getattr(row, name) for name in names},
    )
