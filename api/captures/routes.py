"""Captures over HTTP. A photo is answered only after its bytes and its row are durable."""

import asyncio
import time
import uuid
from typing import Annotated

import anyio.to_thread
import cv2
import numpy as np
from fastapi import Depends, File, Form, Header, Query, Request, Response, UploadFile
from sqlalchemy.orm import Session

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.audit import service as audit
from api.captures import service
from api.captures.schemas import CaptureView, Refused, Status, UploadOutcome
from api.captures.tables import Capture
from api.context import Context, Service
from api.errors import NotFound, StreetError, TooLarge
from api.paging import Paged, PageOf
from api.points import service as points
from api.problems import problem
from api.uploads import clean_name, read_upload
from detector.photo import Photo
from detector.texts import preferred

router = Router(prefix="/captures", tags=["captures"])

CaptureViewer = Annotated[Caller, Depends(allow(Permission.view_captures))]
Sender = Annotated[Caller, Depends(allow(Permission.send_photos))]

LONGEST_WAIT_S = 30.0
_LOOK_EVERY_S = 0.1
_SMALL_PX = 400  # long side of a picture in a list
_SUFFIX = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "BMP": "bmp",
    "TIFF": "tif",
    "GIF": "gif",
    "HEIF": "heic",
}


@router.post(
    "",
    status_code=202,
    summary="Send one or many photos",
    response_description="Taken and queued (202) or already processed (200); 4xx where no photo could be taken",
)
async def send_photos(
    request: Request,
    context: Context,
    caller: Sender,
    response: Response,
    photos: Annotated[list[UploadFile], File(description="JPEG, PNG, WebP, HEIC, BMP, TIFF or GIF")],
    point_id: Annotated[
        str | None,
        Form(max_length=64, pattern=r"^[^\x00]*$", description="code or id; without it the nearest point by GPS"),
    ] = None,
    prefer: Annotated[
        str | None, Header(description="`wait=10`: answer when it is processed, or after 10 seconds")
    ] = None,
) -> UploadOutcome:
    if len(photos) > context.settings.max_photos:
        raise TooLarge(
            f"{len(photos)} photos in one request; the limit is {context.settings.max_photos}. Send them in parts."
        )
    language = preferred(request.headers.get("accept-language"), context.settings.language)
    taken: list[CaptureView] = []
    refused: list[Refused] = []
    first_refusal: StreetError | None = None
    for upload in photos:
        try:
            taken.append(
                await anyio.to_thread.run_sync(_take, context, caller, upload, point_id, limiter=context.opening)
            )
        except StreetError as error:
            first_refusal = first_refusal or error
            refused.append(Refused(filename=clean_name(upload.filename), problem=problem(error, language)))
    if not taken and first_refusal is not None:
        raise first_refusal
    taken = await _await_results(context, taken, _wished_wait_s(prefer))
    settled = all(view.status in (Status.done, Status.failed) for view in taken)
    response.status_code = 200 if settled else 202
    if len(taken) == 1:
        response.headers["Location"] = f"/api/v1/captures/{taken[0].id}"
    return UploadOutcome(captures=taken, refused=refused)


def _take(context: Service, caller: Caller, upload: UploadFile, point: str | None) -> CaptureView:
    """Make one photo durable: opened to prove that it can be, its bytes kept, its row written, in that order."""
    settings = context.settings
    photo, content, name = read_upload(context.settings, upload)
    with context.database.read() as session:  # a photo that belongs nowhere leaves nothing behind
        chosen, distance_m = service.choose_point(
            session,
            photo,
            point or None,
            within_m=settings.nearest_point_m,
            within=caller.scope(Permission.send_photos),
        )
    received = keep_upload(context, photo, content, name)
    with context.database.write() as session:
        row = service.receive(session, received, point=chosen, distance_m=distance_m, sent_by=caller.user_id)
        return view(row, chosen.code)


def keep_upload(context: Service, photo: Photo, content: bytes, name: str) -> service.Received:
    """Make the bytes of a photo durable."""
    key = context.media.put(content, _SUFFIX[photo.format])
    return service.Received(photo=photo, media_key=key, byte_count=len(content), filename=name)


async def _await_results(context: Service, taken: list[CaptureView], wait_s: float) -> list[CaptureView]:
    """Look again until every capture is settled or the time is over."""
    until = time.monotonic() + wait_s
    waiting = [one.id for one in taken if one.status in (Status.queued, Status.processing)]
    while waiting and time.monotonic() < until:
        await asyncio.sleep(_LOOK_EVERY_S)
        if await anyio.to_thread.run_sync(_settled, context, waiting):
            break
    return await anyio.to_thread.run_sync(_look_again, context, taken) if waiting and wait_s else taken


def _settled(context: Service, ids: list[uuid.UUID]) -> bool:
    with context.database.read() as session:
        return service.all_settled(session, ids)


def _look_again(context: Service, taken: list[CaptureView]) -> list[CaptureView]:
    with context.database.read() as session:
        rows = service.captures_by_id(session, [one.id for one in taken])
        return [view(rows[one.id], one.point_code) for one in taken]


def _wished_wait_s(prefer: str | None) -> float:
    """Give the seconds of a `Prefer: wait=N` header (RFC 7240), at most `LONGEST_WAIT_S`; 0 where there is none."""
    for part in (prefer or "").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "wait" and value.isascii() and value.isdigit():
            return min(float(value), LONGEST_WAIT_S)
    return 0.0


@router.get("", summary="List captures, newest first")
def list_captures(
    context: Context,
    caller: CaptureViewer,
    window: Paged,
    status: Status | None = None,
    point: str | None = None,
    id: Annotated[  # noqa: A002 - the query's name
        list[uuid.UUID] | None, Query(max_length=100, description="only these: how far a batch is")
    ] = None,
) -> PageOf[CaptureView]:
    with context.database.read() as session:
        rows, following = service.list_captures(
            session, window, within=caller.scope(Permission.view_captures), status=status, point=point, ids=id
        )
        return PageOf(items=_views(session, rows), next=following)


@router.get("/{capture_id}", summary="Show a capture and what was found on it")
def get_capture(context: Context, caller: CaptureViewer, capture_id: uuid.UUID) -> CaptureView:
    with context.database.read() as session:
        row = service.get_capture(session, capture_id, within=caller.scope(Permission.view_captures))
        return _views(session, [row])[0]


@router.get(
    "/{capture_id}/picture", summary="The picture, without what the camera wrote into the file", response_class=Response
)
def get_picture(
    context: Context, caller: CaptureViewer, capture_id: uuid.UUID, boxes: bool = False, small: bool = False
) -> Response:
    with context.database.read() as session:
        row = service.get_capture(session, capture_id, within=caller.scope(Permission.view_captures))
    key = (row.evidence_key if boxes else None) or row.view_key
    if key is None:
        raise NotFound(f"Capture {capture_id} is {row.status}: there is no picture to show yet.")
    # The key is the content's hash: what was fetched once never changes.
    content = context.media.get(key)
    return Response(
        _shrunk(content) if small else content,
        media_type="image/jpeg",
        headers={"Cache-Control": "private, max-age=31536000, immutable"},
    )


@router.get(
    "/{capture_id}/original",
    summary="The file as it was sent, with faces and plates; the look and its reason are written into the log",
    response_class=Response,
)
def open_original(
    context: Context,
    caller: Annotated[Caller, Depends(allow(Permission.open_originals))],
    capture_id: uuid.UUID,
    reason: Annotated[
        str, Query(min_length=5, max_length=500, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$", description="why, in words")
    ],
) -> Response:
    with context.database.write() as session:
        row = service.get_capture(session, capture_id, within=caller.scope(Permission.open_originals))
        if row.original_dropped_at is not None:
            raise NotFound(f"The original is kept no longer: {_OVER}")
        entry = audit.Entry(
            subject_kind="capture",
            subject_id=row.id,
            action="original_opened",
            by_user_id=caller.user_id,
            note=reason.strip(),
            capture_id=row.id,
        )
        audit.append(session, entry)
    # The log is durable before the first byte leaves.
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{row.id}.{_SUFFIX[row.format]}"',
    }
    return Response(context.media.get(row.media_key), media_type="application/octet-stream", headers=headers)


_OVER = "the time or the room for cameras' frames is over (POINTWATCH_CAMERA_FRAME_DAYS, POINTWATCH_CAMERA_FRAME_GIB)."


def _shrunk(content: bytes) -> bytes:
    """Give one of our own pictures as a small JPEG for lists."""
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_REDUCED_COLOR_2)
    assert pixels is not None  # the worker wrote it
    ratio = min(1.0, _SMALL_PX / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * ratio)), max(1, round(pixels.shape[0] * ratio)))
    _, encoded = cv2.imencode(".jpg", cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    return encoded.tobytes()


@router.post("/{capture_id}/retry", status_code=202, summary="Queue a failed capture again")
def retry(context: Context, caller: Sender, capture_id: uuid.UUID) -> CaptureView:
    with context.database.write() as session:
        row = service.retry(session, capture_id, within=caller.scope(Permission.send_photos))
        return _views(session, [row])[0]


def _views(session: Session, rows: list[Capture]) -> list[CaptureView]:
    codes = {row.id: row.code for row in points.points_by_id(session, [row.point_id for row in rows]).values()}
    return [view(row, codes[row.point_id]) for row in rows]


def view(row: Capture, point_code: str) -> CaptureView:
    """Give a capture as it is sent."""
    columns = {name: getattr(row, name) for name in CaptureView.model_fields if name != "point_code"}
    return CaptureView(point_code=point_code, **columns)
