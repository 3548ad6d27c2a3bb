"""Keeping Label Studio and us in step: send what waits, take back what people said. Runs in the worker.

Webhooks are lost, late, doubled and out of order, and anybody could forge one: they only say where to look. What counts
is what Label Studio itself answers when it is asked, soon after a webhook and otherwise every so often.
"""

import math
import threading
import time
import uuid

import sqlalchemy as sa
import structlog

from api.context import Service
from api.database import now
from api.errors import StreetError
from api.issues import service as issues
from api.review import service
from api.review.connecting import client_of, project_in_force
from api.review.hearing import Hearing
from api.review.labelstudio import LabelStudio, LabelStudioAway, LabelStudioRefused
from api.review.sending import Sending
from api.review.tables import LabelProject

log = structlog.get_logger()

GLANCE_S = 1.0  # between looks for what a webhook has told
WHOLE_S = 1800.0  # between rounds that read every task


class Syncing:
    """One loop; several workers may run it, since every step is safe to do twice."""

    def __init__(self, context: Service, numbering: issues.Numbering) -> None:
        self._context = context
        self._numbering = numbering
        self._stopping = threading.Event()
        self._last_round = self._last_whole = -math.inf
        self._project_id: uuid.UUID | None = None
        self._names: dict[int, str] = {}  # of Label Studio's users

    def stop(self) -> None:
        """Leave after the step at hand."""
        self._stopping.set()

    def run(self) -> None:
        """Keep in step until told to stop."""
        while not self._stopping.wait(GLANCE_S):
            self.run_once()

    def run_once(self) -> None:
        """Do one round; the trouble of a round is written down, shown and tried again in the next."""
        project: LabelProject | None = None
        due = time.monotonic() - self._last_round >= self._context.settings.review_poll_s
        try:
            with self._context.database.read() as session:
                project = project_in_force(session)
            if project is not None and project.id != self._project_id:  # connected a moment ago
                self._project_id, self._last_whole, due = project.id, -math.inf, True
            if due:
                self._last_round = time.monotonic()
                with self._context.database.write() as session:
                    service.ask_about_rejected(session)
            if project is None:
                return
            with client_of(self._context, project) as remote:
                self._round(project, remote, due=due)
            if due:
                self._note(project, None)
        except StreetError as error:
            self._note(project, str(error))
            log.warning(
                "label studio and we are out of step", reason=str(error), away=isinstance(error, LabelStudioAway)
            )
        except Exception:  # the loop: one bad answer must not end it
            self._note(project, "An internal error; see the service's log.")
            log.exception("review round failed")

    def _round(self, project: LabelProject, remote: LabelStudio, *, due: bool) -> None:
        """Hear what webhooks told of; where it is time, send, renew and read on. What is refused stops nothing else."""
        if due or not self._names:
            self._names = remote.users()
        back = Hearing(self._context, project, remote, self._names, self._numbering)
        back.look_again()
        if not due:
            return

        def meanwhile() -> bool:
            back.look_again()
            return not self._stopping.is_set()

        out = Sending(self._context, project, remote)
        whole = time.monotonic() - self._last_whole >= WHOLE_S
        refused: LabelStudioRefused | None = None
        for step in (lambda: out.send(meanwhile), out.renew, lambda: back.take_back(meanwhile, whole=whole)):
            try:
                step()
            except LabelStudioRefused as error:
                refused = error
        if refused is not None:
            raise refused
        if whole:
            self._last_whole = time.monotonic()

    def _note(self, project: LabelProject | None, error: str | None) -> None:
        if project is None:
            return
        with self._context.database.write() as session:
            values = {"last_error": error[:500] if error else None} | ({} if error else {"last_sync_at": now()})
            session.execute(sa.update(LabelProject).filter_by(id=project.id).values(values))
