"""Trainings: asked for, watched, ended. Takes a session, never commits; `trainer` runs them."""

import uuid
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.audit import service as audit
from api.database import now
from api.errors import Conflict, NotFound
from api.learning.schemas import Because, TrainingState
from api.learning.tables import Training
from api.paging import Window, cut
from api.review.exporting import count_decided
from api.settings import Settings

SUBJECT = "training"
OPEN = (TrainingState.queued, TrainingState.running)
#: A running training whose worker has been silent for so long is nobody's; another takes it up.
SILENT = timedelta(seconds=60)


def ask(session: Session, settings: Settings, because: Because, *, by: uuid.UUID | None = None) -> Training:
    """Queue a training on what people decided since the last one.

    Raises:
        Conflict: one waits or runs already, or no interpreter is named that could run it.
    """
    if settings.train_python is None:
        raise Conflict(
            "No training environment is named. Install one (`make .venv-train/made`, several GB), set "
            "POINTWATCH_TRAIN_PYTHON=.venv-train/bin/python and start the service again; or run `pointwatch train "
            "--reviewed-since last` on another machine."
        )
    waiting = open_training(session)
    if waiting is not None:
        raise Conflict(f"A training is {waiting.state} already, since {waiting.asked_at:%Y-%m-%d %H:%M} UTC.")
    row = Training(
        asked_at=now(),
        because=because,
        asked_by=by,
        verdicts=new_verdicts(session),
        state=TrainingState.queued,
        open=True,
        done=0,
        of=0,
    )
    session.add(row)
    try:
        session.flush()
    except sa.exc.IntegrityError:
        raise Conflict("Another training was asked for at the same moment.") from None
    _tell(session, row, "asked", by)
    return row


def open_training(session: Session, *, locked: bool = False) -> Training | None:
    """Give the training that waits or runs."""
    query = sa.select(Training).filter_by(open=True)
    return session.scalar(query.with_for_update() if locked else query)


def new_verdicts(session: Session) -> int:
    """Count the captures decided since the last training that took verdicts in began."""
    took_in = (TrainingState.accepted, TrainingState.rejected, TrainingState.nothing_new)
    last = session.scalar(
        sa.select(Training.started_at).where(Training.state.in_(took_in)).order_by(Training.id.desc()).limit(1)
    )
    return count_decided(session, last)


def due(session: Session, settings: Settings) -> bool:
    """Say whether the schedule asks for a training now."""
    if not settings.train_after or settings.train_python is None or open_training(session) is not None:
        return False
    failed = session.scalar(
        sa.select(Training.id)
        .where(Training.state == TrainingState.failed, Training.ended_at > now() - timedelta(hours=24))
        .limit(1)
    )
    return failed is None and new_verdicts(session) >= settings.train_after


def claim(session: Session, host: str) -> Training | None:
    """Take up the training that waits, or one whose worker has fallen silent; None where there is none to take up."""
    found = open_training(session, locked=True)
    if found is None:
        return None
    silent = found.beat_at is None or found.beat_at < now() - SILENT
    mine_to_look_after = found.host in (None, host)
    if found.state == TrainingState.running and not (silent and mine_to_look_after):
        return None
    if found.started_at is None:
        found.started_at = now()
    found.state, found.host, found.beat_at = TrainingState.running, host, now()
    return found


def training_of(session: Session, training_id: uuid.UUID) -> Training:
    """Give a training.

    Raises:
        NotFound: there is none.
    """
    found = session.get(Training, training_id)
    if found is None:
        raise NotFound(f"There is no training {training_id}.")
    return found


def list_trainings(session: Session, window: Window) -> tuple[list[Training], str | None]:
    """Give one page of the trainings, newest first."""
    return cut(session, sa.select(Training), Training, window)


def end(session: Session, row: Training, state: TrainingState, error: str | None = None) -> None:
    """Write down how a training ended."""
    row.state, row.open, row.ended_at = state, None, now()
    row.error = error[:500] if error else None
    row.process = None
    _tell(session, row, "ended", None)


def _tell(session: Session, row: Training, action: str, by: uuid.UUID | None) -> None:
    session.flush()
    audit.append(
        session,
        audit.Entry(
            subject_kind=SUBJECT,
            subject_id=row.id,
            action=action,
            by_user_id=by,
            after=row.state,
            data={"because": row.because, "verdicts": row.verdicts, "version": row.version, "error": row.error},
        ),
    )
