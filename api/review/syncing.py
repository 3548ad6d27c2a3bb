"""Keeping Label Studio and us in step: send what waits, take back what people said. Runs in the worker.

Webhooks are lost, late, doubled and out of order, and anybody could forge one: they only say where to look. What counts
is what Label Studio itself answers when it is asked, soon after a webhook and otherwise every so often.
"""

import math
import threading
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from api.accounts.schemas import EVERYWHERE
from api.captures import service as captures
from api.captures.tables import Capture
from api.context import Service
from api.database import now
from api.errors import StreetError, Unfit
from api.issues import service as issues
from api.links import RENEW_AFTER
from api.points import service as points
from api.review import service
from api.review.config import FROM_NAME, IMAGE, TO_NAME, labels
from api.review.connecting import client_of, project_in_force
from api.review.geometry import from_result, to_value
from api.review.labelstudio import LabelStudio, LabelStudioAway, RemoteTask
from api.review.schemas import CaseState
from api.review.tables import LabelProject, RefusedVerdict, ReviewCase

log = structlog.get_logger()

BATCH = 50  # tasks in one import; Label Studio reads large ones slowly
GLANCE_S = 1.0  # between looks for what a webhook has told
FULL_S = 1800.0  # between rounds that read every task: a deleted annotation leaves its task's time as it was
OVERLAP = timedelta(seconds=60)  # read again what changed so shortly before: clocks and transactions overlap


class Syncing:
    """One loop; several workers may run it, since every step is safe to do twice."""

    def __init__(self, context: Service, numbering: issues.Numbering) -> None:
        self._context = context
        self._numbering = numbering
        self._stopping = threading.Event()
        self._last_round = self._last_full = -math.inf
        self._names: dict[int, str] = {}  # of Label Studio's users

    def stop(self) -> None:
        """Leave after the step at hand."""
        self._stopping.set()

    def run(self) -> None:
        """Keep in step until told to stop."""
        while not self._stopping.wait(GLANCE_S):
            self.run_once()

    def run_once(self, *, whole: bool = False) -> None:
        """Do one round; the trouble of a round is written down, shown and tried again in the next."""
        with self._context.database.read() as session:
            project = project_in_force(session)
        if project is None:
            return
        due = whole or time.monotonic() - self._last_round >= self._context.settings.review_poll_s
        try:
            with client_of(self._context, project) as remote:
                if due or not self._names:
                    self._names = remote.users()
                self._look_again(project, remote)
                if due:
                    self._last_round = time.monotonic()
                    self.send(project, remote)
                    self.renew(project, remote)
                    self.take_back(project, remote)
                    self._note(project, None)
        except StreetError as error:
            self._note(project, str(error))
            log.warning(
                "label studio and we are out of step", reason=str(error), away=isinstance(error, LabelStudioAway)
            )
        except Exception:  # the loop: one bad answer must not end it
            self._note(project, "An internal error; see the service's log.")
            log.exception("review round failed")

    def _note(self, project: LabelProject, error: str | None) -> None:
        with self._context.database.write() as session:
            values = {"last_error": error[:500] if error else None} | ({} if error else {"last_sync_at": now()})
            session.execute(sa.update(LabelProject).filter_by(id=project.id).values(values))

    # --- out --------------------------------------------------------------------------------------------------------
    def send(self, project: LabelProject, remote: LabelStudio) -> int:
        """Send every waiting case, in batches; gives how many. One that a crash left half sent is looked for first."""
        self._adopt(project, remote)
        sent = 0
        while True:
            with self._context.database.write() as session:
                batch = _claim(session, project)
                tasks = [self._task(session, project, case) for case in batch]
            if not batch:
                return sent
            ids = remote.send(project.project, tasks)
            with self._context.database.write() as session:
                for case, task, number in zip(batch, tasks, ids, strict=True):
                    _mark_sent(session, case.id, number, str(task["data"][IMAGE]))
            sent += len(batch)

    def renew(self, project: LabelProject, remote: LabelStudio) -> None:
        """Give tasks that have waited long a new link to their picture before the old one runs out."""
        with self._context.database.read() as session:
            old = sa.select(ReviewCase).where(
                ReviewCase.project_id == project.id,
                ReviewCase.state.in_((CaseState.sent, CaseState.disputed)),
                ReviewCase.sent_at < now() - RENEW_AFTER,
            )
            waiting = [
                (case.id, case.task, self._task(session, project, case)["data"]) for case in session.scalars(old)
            ]
        for case_id, number, data in waiting:
            if number is None or remote.task(number) is None:
                continue
            remote.set_data(number, data)
            with self._context.database.write() as session:
                session.execute(sa.update(ReviewCase).filter_by(id=case_id).values(picture=data[IMAGE], sent_at=now()))

    def _adopt(self, project: LabelProject, remote: LabelStudio) -> None:
        """Find cases that were being sent when a process ended; those that did not arrive wait again."""
        with self._context.database.read() as session:
            lost = {
                case.capture_id.hex: case.id
                for case in session.scalars(
                    sa.select(ReviewCase).filter_by(state=CaseState.sending, project_id=project.id)
                )
            }
        if not lost:
            return
        arrived: dict[uuid.UUID, RemoteTask] = {}
        for task in remote.tasks(project.project):
            case_id = lost.get(str(task.data.get("capture", "")).replace("-", ""))
            if case_id is not None:
                arrived[case_id] = task
        with self._context.database.write() as session:
            for case_id in lost.values():
                found = arrived.get(case_id)
                if found is not None:
                    _mark_sent(session, case_id, found.id, str(found.data.get(IMAGE, "")))
                else:
                    session.execute(
                        sa.update(ReviewCase)
                        .filter_by(id=case_id, state=CaseState.sending)
                        .values(state=CaseState.waiting)
                    )

    def _task(self, session: Session, project: LabelProject, case: ReviewCase) -> dict[str, Any]:
        capture = captures.get_capture(session, case.capture_id, within=EVERYWHERE)
        point = points.points_by_id(session, [capture.point_id])[capture.point_id]
        return {
            "data": {
                IMAGE: self._context.links.make(project.our_url, capture.id),
                "capture": str(capture.id),
                "point": f"{point.code} {point.name}",
                "taken": captures.seen_at(capture, latest=now()).astimezone(self._context.settings.zone).isoformat(),
                "why": case.why,
                "link": f"{project.our_url.rstrip('/')}/captures/{capture.id}",
            },
            "predictions": [prediction(case.predicted, case.model, capture, self._context)],
        }

    # --- back -------------------------------------------------------------------------------------------------------
    def take_back(self, project: LabelProject, remote: LabelStudio) -> int:
        """Read every task that changed since the last round; gives how many were ours and said something new."""
        full = time.monotonic() - self._last_full >= FULL_S
        until = None if full else project.read_until
        newest, heard = project.read_until, 0
        for task in remote.tasks(project.project):
            if until is not None and task.updated_at < until - OVERLAP:
                break
            newest = max(newest or task.updated_at, task.updated_at)
            heard += self._read(project, task)
        if full:
            self._last_full = time.monotonic()
        if newest is not None and newest != project.read_until:
            with self._context.database.write() as session:
                session.execute(sa.update(LabelProject).filter_by(id=project.id).values(read_until=newest))
            project.read_until = newest
        return heard

    def _look_again(self, project: LabelProject, remote: LabelStudio) -> None:
        """Look at the tasks that a webhook named."""
        with self._context.database.read() as session:
            named = [
                (case.id, case.task)
                for case in session.scalars(
                    sa.select(ReviewCase).filter_by(look_again=True, project_id=project.id).limit(200)
                )
            ]
        for case_id, number in named:
            with self._context.database.write() as session:  # before it is read: a hook that comes meanwhile counts
                session.execute(sa.update(ReviewCase).filter_by(id=case_id).values(look_again=False))
            task = remote.task(number) if number is not None else None
            if task is not None:
                self._read(project, task)
            else:
                with self._context.database.write() as session:
                    _gone(session, case_id)

    def _read(self, project: LabelProject, task: RemoteTask) -> bool:
        """Hear what a task's annotations say. What is not to be believed is written down and changes nothing."""
        with self._context.database.write() as session:
            case = session.scalar(
                sa.select(ReviewCase).filter_by(project_id=project.id, task=task.id).with_for_update()
            )
            if case is None:
                return False  # somebody's own task
            capture = captures.get_capture(session, case.capture_id, within=EVERYWHERE)
            standing = [one for one in task.annotations if not one.get("was_cancelled")]
            new = False
            for one in standing:
                try:
                    said = self._said(project, task, one, capture)
                    new |= service.hear(session, case, said, self._context.taxonomy, self._numbering)
                except Unfit as error:
                    _refuse(session, project, task, one, str(error))
            kept = [int(one["id"]) for one in standing]
            return new | service.withdraw(session, case, kept, self._context.taxonomy, self._numbering)

    def _said(
        self, project: LabelProject, task: RemoteTask, annotation: dict[str, Any], capture: Capture
    ) -> service.Said:
        if not self._context.links.is_of(task.data.get(IMAGE), capture.id):
            raise Unfit("The task's picture is no longer the one that was sent.")
        known = frozenset(one.code for one in labels(self._context.taxonomy, self._context.card))
        by = annotation.get("completed_by")  # a number in lists, an object when one task is asked for
        who = int(by["id"] if isinstance(by, dict) else by or 0)
        return service.Said(
            reviewer=f"{who}@{project.url}",
            name=self._names.get(who) or f"#{who}",
            at=datetime.fromisoformat(str(annotation["updated_at"])).astimezone(UTC),
            boxes=from_result(annotation.get("result") or [], capture.width, capture.height, known),
            annotation=int(annotation["id"]),
        )


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
        case.state, case.project_id = CaseState.sending, project.id
    return batch


def _mark_sent(session: Session, case_id: uuid.UUID, task: int, picture: str) -> None:
    session.execute(
        sa.update(ReviewCase)
        .filter_by(id=case_id, state=CaseState.sending)
        .values(state=CaseState.sent, task=task, picture=picture[:500], sent_at=now())
    )


def _gone(session: Session, case_id: uuid.UUID) -> None:
    """The task was deleted: what was decided stays decided, what was not is nobody's question any more."""
    undecided = (CaseState.sent, CaseState.disputed)
    session.execute(
        sa.update(ReviewCase)
        .where(ReviewCase.id == case_id, ReviewCase.state.in_(undecided))
        .values(state=CaseState.gone)
    )


def _refuse(session: Session, project: LabelProject, task: RemoteTask, one: dict[str, Any], reason: str) -> None:
    known = sa.select(RefusedVerdict.id).filter_by(
        project_id=project.id, annotation=int(one["id"]), updated_at=str(one.get("updated_at"))[:40]
    )
    if session.scalar(known) is None:
        log.warning("annotation refused", task=task.id, annotation=one["id"], reason=reason)
        session.add(
            RefusedVerdict(
                project_id=project.id,
                annotation=int(one["id"]),
                task=task.id,
                updated_at=str(one.get("updated_at"))[:40],
                reason=reason[:500],
                at=now(),
            )
        )
