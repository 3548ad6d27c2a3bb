"""Cases on their way to Label Studio: each once, whatever breaks off in between.

A case is marked before it leaves. What surely did not arrive waits again; where nobody can tell (the answer never came,
a process was killed) it is looked for there, once every request that could still bring it is over.
"""

import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.schemas import EVERYWHERE
from api.captures import service as captures
from api.captures.tables import Capture
from api.context import Service
from api.database import now
from api.errors import StreetError
from api.links import RENEW_AFTER
from api.points import service as points
from api.review.config import FROM_NAME, IMAGE, TO_NAME, labels
from api.review.geometry import to_value
from api.review.labelstudio import REQUEST_S, LabelStudio, RemoteTask, never_arrived
from api.review.schemas import CaseState
from api.review.tables import LabelProject, ReviewCase

BATCH = 50  # tasks in one import; Label Studio reads large ones slowly
RENEWED_AT_ONCE = 50  # tasks that get a new link in one round: others wait for what people say meanwhile
#: So long after it was marked, a case is either there or will never arrive: its request is over, and what Label Studio
#: still did with it too.
ARRIVED_AFTER = timedelta(seconds=3 * REQUEST_S)


class Sending:
    """Takes cases to one project."""

    def __init__(self, context: Service, project: LabelProject, remote: LabelStudio) -> None:
        self._context, self._project, self._remote = context, project, remote

    def send(self, between: Callable[[], bool]) -> int:
        """Send every waiting case, in batches, and give how many.

        Args:
            between: called after each batch, so that what people say does not wait for thousands; False: no more.
        """
        self._adopt()
        sent = 0
        while True:
            with self._context.database.write() as session:
                batch = _claim(session, self._project)
                tasks = [self._task(session, case) for case in batch]
            if not batch:
                return sent
            try:
                ids = self._remote.send(self._project.project, tasks)
            except StreetError as error:
                if never_arrived(error):
                    with self._context.database.write() as session:
                        _wait_again(session, [case.id for case in batch])
                raise
            with self._context.database.write() as session:
                for case, task, number in zip(batch, tasks, ids, strict=True):
                    _mark_sent(session, case.id, number, str(task["data"][IMAGE]))
            sent += len(batch)
            if not between():
                return sent

    def renew(self) -> None:
        """Give tasks that have waited long a new link to their picture before the old one runs out."""
        with self._context.database.read() as session:
            old = sa.select(ReviewCase).where(
                ReviewCase.project_id == self._project.id,
                ReviewCase.state.in_((CaseState.sent, CaseState.disputed)),
                ReviewCase.sent_at < now() - RENEW_AFTER,
            )
            oldest = session.scalars(old.order_by(ReviewCase.sent_at).limit(RENEWED_AT_ONCE))
            waiting = {case.task: (case.id, self._task(session, case)["data"]) for case in oldest if case.task}
        if not waiting:
            return
        there = {one.id for one in self._remote.tasks_of(self._project.project, list(waiting))}
        for number, (case_id, data) in waiting.items():
            if number in there:
                self._remote.set_data(number, data)
            with self._context.database.write() as session:
                if number in there:
                    _note_link(session, case_id, data[IMAGE])
                else:
                    mark_gone(session, case_id)

    def _adopt(self) -> None:
        """Find cases of which nobody can tell whether they arrived; those that did not wait again."""
        with self._context.database.read() as session:
            doubtful = sa.select(ReviewCase).where(
                ReviewCase.state == CaseState.sending,
                ReviewCase.project_id == self._project.id,
                sa.or_(ReviewCase.sent_at.is_(None), ReviewCase.sent_at < now() - ARRIVED_AFTER),
            )
            lost = {case.capture_id.hex: case.id for case in session.scalars(doubtful)}
        if not lost:
            return
        arrived: dict[uuid.UUID, RemoteTask] = {}
        for task in self._remote.tasks(self._project.project):
            case_id = lost.get(str(task.data.get("capture", "")).replace("-", ""))
            if case_id is not None:
                arrived[case_id] = task
        with self._context.database.write() as session:
            for case_id, task in arrived.items():
                _mark_sent(session, case_id, task.id, str(task.data.get(IMAGE, "")))
            _wait_again(session, [case_id for case_id in lost.values() if case_id not in arrived])

    def _task(self, session: Session, case: ReviewCase) -> dict[str, Any]:
        capture = captures.get_capture(session, case.capture_id, within=EVERYWHERE)
        point = points.points_by_id(session, [capture.point_id])[capture.point_id]
        return {
            "data": {
                IMAGE: self._context.links.make(self._project.our_url, capture.id),
                "capture": str(capture.id),
                "point": f"{point.code} {point.name}",
                "taken": captures.seen_at(capture, latest=now()).astimezone(self._context.settings.zone).isoformat(),
                "why": case.why,
                "link": f"{self._project.our_url.rstrip('/')}/captures/{capture.id}",
            },
            "predictions": [prediction(case.predicted, case.model, capture, self._context)],
        }


def prediction(boxes: Sequence[dict[str, Any]], model: str, capture: Capture, context: Service) -> dict[str, Any]:
    """Give a model's boxes as Label Studio's prediction."""
    texts = {one.code: one.text for one in labels(context.taxonomy, context.card)}
    result = [
        {
            "id": f"{capture.id.hex[:8]}{place:03d}",
            "type": "rectanglelabels",
            "from_name": FROM_NAME,
            "to_name": TO_NAME,
            "original_width": capture.width,
            "original_height": capture.height,
            "image_rotation": 0,
            "score": one["confidence"],
            "value": {
                **to_value(tuple(one["box"]), capture.width, capture.height),
                "rectanglelabels": [texts[one["code"]]],
            },
        }
        for place, one in enumerate(boxes)
        if one["code"] in texts
    ]
    score = min((one["confidence"] for one in boxes), default=0.0)
    return {"model_version": model, "score": score, "result": result}


def _claim(session: Session, project: LabelProject) -> list[ReviewCase]:
    """Take a batch of waiting cases; marked before they leave, so that a crash shows which may have arrived."""
    waiting = (
        sa.select(ReviewCase)
        .filter_by(state=CaseState.waiting)
        .order_by(ReviewCase.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    batch = list(session.scalars(waiting))
    for case in batch:
        case.state, case.project_id, case.sent_at = CaseState.sending, project.id, now()
    return batch


def _wait_again(session: Session, case_ids: Sequence[uuid.UUID]) -> None:
    session.execute(
        sa.update(ReviewCase)
        .where(ReviewCase.id.in_(case_ids), ReviewCase.state == CaseState.sending)
        .values(state=CaseState.waiting, sent_at=None)
    )


def _mark_sent(session: Session, case_id: uuid.UUID, task: int, picture: str) -> None:
    """Note which task a case is; somebody may have decided it here while it was on its way."""
    still = sa.case((ReviewCase.state == CaseState.sending, CaseState.sent), else_=ReviewCase.state)
    session.execute(
        sa.update(ReviewCase).filter_by(id=case_id).values(state=still, task=task, picture=picture[:500], sent_at=now())
    )


def _note_link(session: Session, case_id: uuid.UUID, picture: str) -> None:
    session.execute(sa.update(ReviewCase).filter_by(id=case_id).values(picture=picture[:500], sent_at=now()))


def mark_gone(session: Session, case_id: uuid.UUID) -> None:
    """The task was deleted: what was decided stays decided, what was not is nobody's question any more."""
    undecided = (CaseState.sent, CaseState.disputed)
    session.execute(
        sa.update(ReviewCase)
        .where(ReviewCase.id == case_id, ReviewCase.state.in_(undecided))
        .values(state=CaseState.gone)
    )
