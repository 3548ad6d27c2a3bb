"""Follows the log and tells whoever is to know. Takes a session, never commits.

What is told of an event is written in the transaction that moves the mark in the log past it: killed at any moment,
nobody misses an event and nobody is told of it twice. One follower at a time; the row of its mark is the lock.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.accounts.roles import Role
from api.audit import service as audit
from api.audit.tables import AuditEvent
from api.cameras import service as cameras
from api.cameras.schemas import State as CameraState
from api.clocks.limits import ClockRules, Step
from api.database import now
from api.issues import clock
from api.issues import service as issues
from api.issues.moving import SUBJECT
from api.issues.tables import Issue
from api.notify import alarms, inbox, outbox, recipients, service
from api.notify.rules import NoticeRules, Who, names
from api.notify.schemas import Notice
from api.notify.tables import Alarm, Flow, Held, Progress, Webhook
from api.points import service as points
from api.points.tables import Point
from detector.taxonomy import Taxonomy

FOLLOWER = "teller"
CAMERA_NEWS = frozenset({CameraState.online, CameraState.offline, CameraState.moved, CameraState.covered})
AT_ONCE = 100
LATE = "late"  # topic of what is told long after it happened
DIGEST = "notice.digest"
SHOWN = 20  # entries of a digest that are written out
SETTLE = timedelta(seconds=3)  # what comes late is gathered for so long after the last of it


class Teller:
    """Tells of what the log says, a few events at a time."""

    def __init__(self, rules: NoticeRules, clocks: ClockRules) -> None:
        self._rules, self._clocks = rules, clocks
        self._taxonomy: Taxonomy = clocks.taxonomy

    def follow(self, session: Session) -> int:
        """Tell of the next events; give how many there were, 0 where none or where somebody else is at it."""
        progress = hold(session, FOLLOWER)
        if progress is None:
            return 0
        events = audit.after(session, progress.seq, AT_ONCE)
        about = issues.issues_by_id(session, [one.subject_id for one in events if one.subject_kind == SUBJECT])
        places = points.points_by_id(session, [issue.point_id for issue in about.values()])
        standings = clock.set_due(session, list(about.values()), self._clocks)
        for issue_id, standing in standings.items():
            alarms.set_for(session, issue_id, standing, self._clocks)
        webhooks = _webhooks(session)
        by = accounts.names_of(session, [one.by_user_id for one in events if one.by_user_id])
        for event in events:
            issue = about.get(event.subject_id)
            if event.subject_kind == cameras.SUBJECT and event.action in CAMERA_NEWS:
                self._tell_of_camera(session, event, webhooks)
            if issue is not None:
                notice = self._notice(event, issue, places[issue.point_id], by)
                self._tell_of_issue(session, event, issue, places[issue.point_id], notice, webhooks)
            progress.seq = event.seq
        session.flush()
        return len(events)

    def _tell_of_issue(
        self,
        session: Session,
        event: AuditEvent,
        issue: Issue,
        point: Point,
        notice: Notice,
        webhooks: Iterable[Webhook],
    ) -> None:
        wanted = self._rules.told(notice.kind, event.after or issue.state)
        if Who.escalated in wanted:
            wanted = [Who(one) for one in event.data.get("to", []) if one in list(Who)]
        about = recipients.About(
            issue=issue,
            point=point,
            departments=_concerned(event, issue),
            climbed=self._clocks.limits.climbed(int(event.data.get("level") or 0)),
        )
        users = recipients.of_issue(session, about, wanted) - {event.by_user_id}
        targets = [f"user:{one}" for one in sorted(users)]
        targets += [f"webhook:{one.id}" for one in webhooks if _wants(one, notice)]
        for target in targets:
            self.tell(session, target, f"point:{point.code}", notice)

    def _tell_of_camera(self, session: Session, event: AuditEvent, webhooks: Iterable[Webhook]) -> None:
        """Tell of a camera that went, came back, or looks elsewhere: each a change that its watch has made sure of."""
        camera = cameras.cameras_by_id(session, [event.subject_id])[event.subject_id]
        point = points.points_by_id(session, [camera.point_id])[camera.point_id]
        facts: dict[str, Any] = {
            "seq": event.seq,
            "code": camera.code,
            "camera": camera.name,
            "place": point.name,
            "point": {"code": point.code, "name": point.name, "community": point.community},
            "action": event.action,
            "before": event.data.get("before"),
        }
        notice = Notice(key=f"audit:{event.seq}", kind=f"{cameras.SUBJECT}.{event.action}", at=event.at, facts=facts)
        users = recipients.of_place(session, point, self._rules.told(notice.kind, event.action))
        for user_id in sorted(users):
            deliver(session, f"user:{user_id}", notice)
        for webhook in webhooks:
            if _wants(webhook, notice):
                deliver(session, f"webhook:{webhook.id}", notice)

    def tell(self, session: Session, target: str, topic: str, notice: Notice) -> None:
        """Tell somebody, at once or, in a storm or long after it happened, later as part of a digest."""
        at, storm = now(), self._rules.storm
        if at - notice.at > self._rules.late_after.length:
            _hold_back(session, target, LATE, notice, at + SETTLE)
            return
        flow = session.get(Flow, (target, topic)) or Flow(target=target, topic=topic, since=at, count=0)
        if at - flow.since >= storm.within.length:
            flow.since, flow.count = at, 0
        flow.count += 1
        session.add(flow)
        if flow.count <= storm.notices:
            deliver(session, target, notice)
        else:
            _hold_back(session, target, topic, notice, flow.since + storm.within.length)

    def release(self, session: Session) -> int:
        """Send the digests whose time has come; give how many."""
        if hold(session, FOLLOWER) is None:
            return 0
        due = sa.select(Held.target, Held.topic).group_by(Held.target, Held.topic)
        groups = session.execute(due.having(sa.func.max(Held.release_at) <= now()).limit(AT_ONCE)).all()
        for target, topic in groups:
            held = list(
                session.scalars(sa.select(Held).where(Held.target == target, Held.topic == topic).order_by(Held.id))
            )
            notices = [Notice.model_validate(one.payload) for one in held]
            deliver(session, target, notices[0] if len(notices) == 1 else digest(topic, notices, held[0].id))
            session.execute(sa.delete(Held).where(Held.id.in_([one.id for one in held])))
        session.flush()
        return len(groups)

    def _notice(self, event: AuditEvent, issue: Issue, point: Point, by: dict[uuid.UUID, str]) -> Notice:
        facts: dict[str, Any] = {
            "seq": event.seq,
            "issue": {
                "id": str(issue.id),
                "number": issue.number,
                "state": issue.state,
                "class": issue.class_code,
                "department": issue.department,
                "due_at": issue.due_at.isoformat() if issue.due_at else None,
            },
            "point": {"code": point.code, "name": point.name, "community": point.community},
            "action": event.action,
            "before": event.before,
            "after": event.after,
            "by": by.get(event.by_user_id) if event.by_user_id else None,
            "note": event.note,
            **({"clock": event.data} if event.action in list(alarms.AlarmKind) else {}),
        }
        return Notice(key=f"audit:{event.seq}", kind=f"{SUBJECT}.{event.action}", at=event.at, facts=facts)


def _concerned(event: AuditEvent, issue: Issue) -> frozenset[str]:
    """Give the departments that an event concerns: those that were whistled for, else the one in charge."""
    if event.action == "whistle":
        return frozenset(event.data.get("departments", ()))
    if event.action in list(alarms.AlarmKind) and event.data.get("step") == Step.arrive:
        return frozenset((event.data["department"],))
    return frozenset((issue.department,)) if issue.department else frozenset()


def digest(topic: str, notices: list[Notice], first: uuid.UUID) -> Notice:
    """Give one notice that stands for several."""
    counted: dict[str, int] = {}
    for one in notices:
        counted[one.kind] = counted.get(one.kind, 0) + 1
    point = notices[0].facts.get("point") if topic != LATE else None
    shown = [{"kind": one.kind, "at": one.at.isoformat(), "facts": one.facts} for one in notices[:SHOWN]]
    facts = {"point": point, "count": len(notices), "counts": counted, "notices": shown}
    return Notice(key=f"digest:{first}", kind=DIGEST, at=notices[-1].at, facts=facts)


def deliver(session: Session, target: str, notice: Notice) -> None:
    """Put a notice into an inbox, or on its way to a webhook."""
    what, _, text = target.partition(":")
    if what == "user":
        inbox.put(session, uuid.UUID(text), notice)
        return
    webhook = session.get(Webhook, uuid.UUID(text))
    if webhook is not None and webhook.active:
        outbox.enqueue(session, notice, [webhook])


def tell_admins(session: Session, notice: Notice) -> None:
    """Put a notice into every administrator's inbox."""
    for user_id in sorted(accounts.ids_with_role(session, Role.admin)):
        inbox.put(session, user_id, notice)


def hold(session: Session, name: str) -> Progress | None:
    """Give the mark of a follower, locked; None where another process holds it."""
    return session.scalars(
        sa.select(Progress).where(Progress.name == name).with_for_update(skip_locked=True)
    ).one_or_none()


def _hold_back(session: Session, target: str, topic: str, notice: Notice, until: datetime) -> None:
    session.add(
        Held(
            target=target,
            topic=topic,
            notice=notice.key,
            payload=notice.model_dump(mode="json"),
            release_at=until,
        )
    )
    session.flush()


def _webhooks(session: Session) -> list[Webhook]:
    return list(session.scalars(sa.select(Webhook).where(Webhook.active, Webhook.removed_at.is_(None))))


def _wants(webhook: Webhook, notice: Notice) -> bool:
    """Say whether a webhook is to be told; what it does not narrow it takes."""
    if webhook.kinds and not names(webhook.kinds, notice.kind):
        return False
    filters, issue, point = service.filters_of(webhook), notice.facts.get("issue", {}), notice.facts["point"]
    return all(
        not allowed or value in allowed
        for allowed, value in (
            (filters.classes, issue.get("class")),
            (filters.departments, issue.get("department")),
            (filters.communities, point["community"]),
            (filters.points, point["code"]),
        )
    )


def something_waits(session: Session) -> bool:
    """Say whether there could be something to tell, to say or to release: a look that locks nothing."""
    at, seq = now(), session.scalar(sa.select(Progress.seq).where(Progress.name == FOLLOWER)) or 0
    alarm = sa.select(Alarm.id).where(Alarm.fired_at.is_(None), Alarm.at <= at)
    held = sa.select(Held.id).where(Held.release_at <= at)
    return audit.head(session).seq > seq or any(session.execute(one.limit(1)).first() for one in (alarm, held))


def mark_of(session: Session, name: str) -> str:
    """Give what a follower last worked with."""
    return session.scalar(sa.select(Progress.mark).where(Progress.name == name)) or ""


def set_mark(session: Session, name: str, mark: str) -> None:
    """Take down what a follower works with now."""
    session.execute(sa.update(Progress).where(Progress.name == name).values(mark=mark))
