"""Review over HTTP: our own API, pictures for reviewers, and what Label Studio calls."""

import base64
import binascii
import json
import uuid
from typing import Annotated, Any

import anyio.to_thread
import sqlalchemy as sa
import structlog
from fastapi import APIRouter, Depends, Query, Request, Response

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import EVERYWHERE, Caller
from api.captures import service as captures
from api.context import Context, Service
from api.database import now
from api.errors import Forbidden, NotFound, NotSignedIn, Unfit, Unreadable
from api.issues import service as issues
from api.links import PATH
from api.paging import Paged, PageOf
from api.review import connecting, service
from api.review.config import IMAGE
from api.review.figures import Figures, figures
from api.review.geometry import Drawn
from api.review.schemas import CaseState, CaseView, VerdictFields, Why
from api.review.sending import prediction
from api.review.tables import ReviewCase

log = structlog.get_logger()

router = Router(prefix="/review", tags=["review"])
called_by_label_studio = APIRouter(include_in_schema=False)  # with a door of its own: its secret

MOST_TASKS = 1000  # in one request for predictions


# --- our own API --------------------------------------------------------------------------------------------------
@router.get("/cases", summary="List captures before people, newest first")
def list_cases(
    context: Context,
    caller: Annotated[Caller, Depends(allow(Permission.review_issues))],
    window: Paged,
    state: Annotated[list[CaseState] | None, Query(description="may stand several times")] = None,
    why: Why | None = None,
) -> PageOf[CaseView]:
    with context.database.read() as session:
        scope = caller.scope(Permission.review_issues)
        rows, following = service.list_cases(session, window, within=scope, states=state, why=why)
        return PageOf(items=[CaseView.model_validate(row) for row in rows], next=following)


@router.post("/cases/{capture_id}", status_code=201, summary="Put a capture before people")
def ask(
    context: Context, caller: Annotated[Caller, Depends(allow(Permission.review_issues))], capture_id: uuid.UUID
) -> CaseView:
    with context.database.write() as session:
        capture = captures.get_capture(session, capture_id, within=caller.scope(Permission.review_issues))
        return CaseView.model_validate(service.ask(session, capture, Why.asked))


@router.put("/cases/{capture_id}/verdict", summary="Say what a capture shows; a later verdict of yours replaces it")
def give_verdict(
    context: Context,
    caller: Annotated[Caller, Depends(allow(Permission.review_issues))],
    capture_id: uuid.UUID,
    fields: VerdictFields,
) -> CaseView:
    with context.database.write() as session:
        capture = captures.get_capture(session, capture_id, within=caller.scope(Permission.review_issues))
        case = service.ask(session, capture, Why.asked)
        drawn = []
        for one in fields.boxes:
            x1, y1, x2, y2 = one.box
            if not (0 <= x1 < x2 <= capture.width and 0 <= y1 < y2 <= capture.height):
                raise Unfit(f"The box {one.box} is empty or outside the picture of {capture.width} x {capture.height}.")
            drawn.append(Drawn(code=one.code, box=one.box))
        said = service.Said(
            reviewer=str(caller.user_id), name=caller.name, at=now(), boxes=drawn, user_id=caller.user_id
        )
        service.hear(session, case, said, context.taxonomy, issues.Numbering.of(context.settings, context.taxonomy))
        session.flush()
        return CaseView.model_validate(case)


@router.get("/figures", summary="What reviewers say of the model: precision, misses, load; with 95 % intervals")
def show_figures(
    context: Context, caller: Annotated[Caller, Depends(allow(Permission.view_catalogue))], days: int = 90
) -> Figures:
    if not 1 <= days <= 3660:
        raise Unfit("days must be from 1 to 3660.")
    with context.database.read() as session:
        return figures(
            session,
            context.taxonomy,
            days=days,
            zone=context.settings.zone,
            within=caller.scope(Permission.view_catalogue),
        )


# --- pictures -----------------------------------------------------------------------------------------------------
@called_by_label_studio.get(PATH + "{name:path}")
def picture(context: Context, name: str) -> Response:
    """Give a picture to whoever holds a link that we signed."""
    try:
        capture_id = context.links.read(name)
    except Forbidden as error:
        log.warning("picture link refused", link=name[:100], reason=str(error))
        raise
    with context.database.read() as session:
        capture = captures.get_capture(session, capture_id, within=EVERYWHERE)
    if capture.view_key is None:
        raise NotFound("There is no picture to show yet.")
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "private, max-age=86400"}  # its canvas needs that
    return Response(context.media.get(capture.view_key), media_type="image/jpeg", headers=headers)


# --- the model behind Label Studio's page ---------------------------------------------------------------------------
def _ours(request: Request, context: Context) -> Service:
    """Let in only the Label Studio that is connected.

    Raises:
        NotSignedIn: neither the password of the model behind the page nor the secret of the webhook.
    """
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (ValueError, binascii.Error):
            user, password = "", ""
        if user == connecting.USER and connecting.secret_is(context, password):
            return context
    elif connecting.secret_is(context, request.headers.get(connecting.HOOK_HEADER, "")):
        return context
    log.warning(
        "refused what is not the connected label studio",
        path=request.url.path,
        address=request.client.host if request.client else None,
    )
    raise NotSignedIn("This is for the connected Label Studio alone. Run `pointwatch labels connect` again.")


Ours = Annotated[Service, Depends(_ours)]


@called_by_label_studio.get(connecting.OURS + "/")
@called_by_label_studio.get(connecting.OURS + "/health")
def health(context: Ours) -> dict[str, str]:
    return {"status": "UP", "model_class": context.card.name}


@called_by_label_studio.post(connecting.OURS + "/setup")
def setup(context: Ours) -> dict[str, str]:
    return {"model_version": _version(context)}


@called_by_label_studio.get(connecting.OURS + "/versions")
def versions(context: Ours) -> dict[str, list[str]]:
    return {"versions": [_version(context)]}


@called_by_label_studio.post(connecting.OURS + "/predict")
async def predict(context: Ours, request: Request) -> dict[str, list[dict[str, Any]]]:
    """Give what the model saw on each task's picture: exactly one entry for each task, in order."""
    tasks = (await _body(request)).get("tasks")
    if not isinstance(tasks, list) or len(tasks) > MOST_TASKS:
        raise Unfit(f"`tasks` must be a list of at most {MOST_TASKS}.")
    return {"results": await anyio.to_thread.run_sync(_predictions, context, tasks)}


@called_by_label_studio.post(connecting.OURS + "/webhook")
async def webhook(context: Ours, request: Request) -> dict[str, Any]:
    """Note which tasks changed and answer at once; what they say is asked of Label Studio itself."""
    body = await _body(request)
    if body.get("action") == "START_TRAINING":
        return await anyio.to_thread.run_sync(_wish_training, context)
    named = _tasks_of(body)
    count = await anyio.to_thread.run_sync(_look_again, context, named) if named else 0
    return {"status": "noted", "tasks": count}


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Unreadable("The body is no JSON object.")
    return body


def _wish_training(context: Service) -> dict[str, Any]:
    if context.settings.train_python is None:
        log.warning("label studio asks for a training, but no environment is named", setting="POINTWATCH_TRAIN_PYTHON")
        return {"status": "refused", "reason": "This service cannot train: POINTWATCH_TRAIN_PYTHON is not set."}
    with context.database.write() as session:
        connecting.wish_training(session)
    log.info("label studio asks for a training")
    return {"status": "noted", "job": "training"}


def _version(context: Service) -> str:
    return f"{context.card.name}/{context.card.version}"


def _predictions(context: Service, tasks: list[Any]) -> list[dict[str, Any]]:
    asked = [_capture_of(context, task) for task in tasks]
    with context.database.read() as session:
        known = captures.captures_by_id(session, [one for one in asked if one])
    results: list[dict[str, Any]] = []
    for capture_id in asked:
        capture = known.get(capture_id) if capture_id else None
        if capture is None or capture.model is None:
            results.append({"result": [], "score": 0.0, "model_version": _version(context)})
        else:
            results.append(prediction(service.predicted(capture), capture.model, capture, context))
    return results


def _capture_of(context: Service, task: object) -> uuid.UUID | None:
    """Give the capture that a task shows, by our own signature on its picture's address; None where it is not ours."""
    data = task.get("data") if isinstance(task, dict) else None
    try:
        capture_id = uuid.UUID(str(data["capture"])) if isinstance(data, dict) else None
    except (KeyError, ValueError):
        return None
    return capture_id if data and capture_id and context.links.is_of(data.get(IMAGE), capture_id) else None


def _tasks_of(body: dict[str, Any]) -> list[int]:
    """Give the numbers of the tasks that a webhook speaks of; it may be one, or thousands at once."""
    found: list[object] = []
    for key in ("task", "tasks"):
        value = body.get(key)
        found += [
            one.get("id") if isinstance(one, dict) else one for one in (value if isinstance(value, list) else [value])
        ]
    annotations = body.get("annotation")
    listed = annotations if isinstance(annotations, list) else [annotations]
    listed += body["annotations"] if isinstance(body.get("annotations"), list) else []
    found += [one.get("task") for one in listed if isinstance(one, dict)]
    return sorted({one for one in found if isinstance(one, int) and not isinstance(one, bool) and 0 < one < 2**31})


def _look_again(context: Service, tasks: list[int]) -> int:
    count = 0
    with context.database.write() as session:
        project = connecting.project_in_force(session)
        for start in range(0, len(tasks), 500):
            part = tasks[start : start + 500]
            change = (
                sa.update(ReviewCase)
                .where(ReviewCase.project_id == (project.id if project else None), ReviewCase.task.in_(part))
                .values(look_again=True)
            )
            count += session.execute(change).rowcount  # type: ignore[attr-defined]
    return count


@called_by_label_studio.api_route(connecting.OURS + "/{rest:path}", methods=["GET", "POST"])
def nothing_there(_: Ours, rest: str) -> None:
    raise NotFound(f"There is nothing at {connecting.OURS}/{rest[:60]}.")
