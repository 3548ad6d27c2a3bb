"""What people said in Label Studio, on its way back: asked for after a webhook, and every so often without one."""

import uuid
from collections.abc import Callable, Iterable, Mapping
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
from api.errors import Unfit
from api.issues import service as issues
from api.review import service
from api.review.config import IMAGE, labels
from api.review.geometry import from_result
from api.review.labelstudio import PAGE, LabelStudio, RemoteTask
from api.review.sending import mark_gone
from api.review.tables import LabelProject, RefusedVerdict, ReviewCase

log = structlog.get_logger()

OVERLAP = timedelta(seconds=60)  # read again what changed so shortly before: clocks and transactions overlap


class Hearing:
    """Reads one project's tasks."""

    def __init__(
        self,
        context: Service,
        project: LabelProject,
        remote: LabelStudio,
        names: Mapping[int, str],
        numbering: issues.Numbering,
    ) -> None:
        """Read with the e-mail of each of Label Studio's users by its number there."""
        self._context, self._project, self._remote = context, project, remote
        self._names, self._numbering = names, numbering

    def take_back(self, between: Callable[[], bool], *, whole: bool) -> int:
        """Read every task that changed since the last round; gives how many said something new.

        Args:
            between: called after every page; False: leave the rest to the next round.
            whole: read those too that have not changed: a deleted annotation leaves its task's time as it was.
        """
        since = None if whole or self._project.read_until is None else self._project.read_until - OVERLAP
        # By its clock: all that had changed when the first answer of this round was given is read in this round.
        until, heard = self._remote.clock(), 0
        for place, task in enumerate(self._remote.tasks(self._project.project, since=since), start=1):
            heard += self._read(task)
            until = until or task.updated_at
            if place % PAGE == 0 and not between():
                return heard
        if until is not None and until != self._project.read_until:
            with self._context.database.write() as session:
                session.execute(sa.update(LabelProject).filter_by(id=self._project.id).values(read_until=until))
            self._project.read_until = until
        return heard

    def look_again(self) -> None:
        """Look at the tasks that webhooks have named since the last look, many in one question."""
        while named := self._named():
            unread = set(named.values())
            try:
                there = self._remote.tasks_of(self._project.project, list(named))
                for task in there:
                    self._read(task)
                    unread.discard(named[task.id])
            except BaseException:
                self._name(unread, look_again=True)  # nobody would tell of them a second time
                raise
            with self._context.database.write() as session:
                for case_id in unread:
                    mark_gone(session, case_id)
            if len(named) < PAGE:
                return

    def _named(self) -> dict[int, uuid.UUID]:
        """Give the case of each task that was named, a page of them, and forget that it was.

        Forgotten before it is read: of a webhook that comes meanwhile we know then that it tells of something later.
        """
        with self._context.database.read() as session:
            rows = session.execute(
                sa.select(ReviewCase.id, ReviewCase.task)
                .where(ReviewCase.look_again, ReviewCase.project_id == self._project.id, ReviewCase.task.is_not(None))
                .order_by(ReviewCase.id)
                .limit(PAGE)
            ).all()
        if rows:
            self._name([row.id for row in rows], look_again=False)
        return {row.task: row.id for row in rows}

    def _name(self, case_ids: Iterable[uuid.UUID], *, look_again: bool) -> None:
        with self._context.database.write() as session:
            named = sa.update(ReviewCase).where(ReviewCase.id.in_(list(case_ids)))
            session.execute(named.values(look_again=look_again))

    def _read(self, task: RemoteTask) -> bool:
        """Hear what a task's annotations say. What is not to be believed is written down and changes nothing."""
        with self._context.database.write() as session:
            case = session.scalar(
                sa.select(ReviewCase).filter_by(project_id=self._project.id, task=task.id).with_for_update()
            )
            if case is None:
                return False  # somebody's own task
            capture = captures.get_capture(session, case.capture_id, within=EVERYWHERE)
            standing = [one for one in task.annotations if not one.get("was_cancelled")]
            new = False
            for one in standing:
                try:
                    said = self._said(task, one, capture)
                    new |= service.hear(session, case, said, self._context.taxonomy, self._numbering)
                except Unfit as error:
                    _refuse(session, self._project, task, one, str(error))
            kept = [int(one["id"]) for one in standing]
            return new | service.withdraw(session, case, kept, self._context.taxonomy, self._numbering)

    def _said(self, task: RemoteTask, annotation: dict[str, Any], capture: Capture) -> service.Said:
        if not self._context.links.is_of(task.data.get(IMAGE), capture.id):
            raise Unfit("The task's picture is no longer the one that was sent.")
        known = frozenset(one.code for one in labels(self._context.taxonomy, self._context.card))
        by = annotation.get("completed_by")  # a number in lists, an object when one task is asked for
        who = int(by["id"] if isinstance(by, dict) else by or 0)
        return service.Said(
            reviewer=f"{who}@{self._project.url}",
            name=self._names.get(who) or f"#{who}",
            at=datetime.fromisoformat(str(annotation["updated_at"])).astimezone(UTC),
            boxes=from_result(annotation.get("result") or [], capture.width, capture.height, known),
            annotation=int(annotation["id"]),
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
