"""Weeks of an office at random, on a clock that the test turns; and a second way of counting, over the log alone."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import mean, median
from typing import Any

import pytest

from api.accounts import service as accounts
from api.audit import service as audit
from api.audit.tables import AuditEvent
from api.issues import service as issues
from api.issues.schemas import Level, Step
from api.issues.tables import Issue
from api.issues.transitions import Action, State
from api.points.tables import Point
from api.reports.periods import Period
from detector.taxonomy import Clock
from tests.api.ledger import Ledger, doubtful, violation
from tests.api.office import Office

CLASSES = ("exposed_garbage", "graffiti", "broken_pavement", "illegal_parking")
START = datetime(2026, 9, 28, 0, 10, tzinfo=UTC)
ENDED = ("closed", "rejected", "merged")
USUAL = {  # from a state to what may be done next, each as likely as the others
    State.in_review: [Action.confirm, Action.confirm, Action.reject, Action.mark_notified],
    State.open: [Action.dispatch, Action.dispatch, Action.dispatch, Action.close, Action.reject, Action.mark_notified],
    State.dispatched: [Action.accept, Action.return_],
    State.accepted: [Action.start],
    State.in_progress: [Action.rectify, Action.rectify, Action.suspend, Action.close, Action.change_class],
    State.suspended: [Action.resume],
    State.rectified: [Action.sign_off, Action.sign_off, Action.refuse],
}


class Campaign:
    """Plays an office; every moment that is written down comes from `self.at`."""

    def __init__(self, office: Office, monkeypatch: pytest.MonkeyPatch, seed: int = 7) -> None:
        self.office, self.ledger, self.dice = office, Ledger(office), random.Random(seed)
        self.at = START
        for module in ("steps", "effects", "moving", "recording", "after"):
            monkeypatch.setattr(f"api.issues.{module}.now", lambda: self.at)
        self.points = [
            self.ledger.point(community=f"社区{number % 3}", category=("road", "park")[number % 2])
            for number in range(7)
        ]
        with office.context.database.read() as session:
            boss = accounts.first_admin(session).id
            self.boss = accounts.caller_again(session, user_id=boss, key_id=None)

    def play(self, moves: int) -> None:
        for _ in range(moves):
            self.at += timedelta(minutes=self.dice.randrange(5, 420))
            if self.dice.random() < 0.35:
                self.find(self.dice.choice(self.points))
            else:
                self.act()

    def find(self, point: Point) -> None:
        seen = self.dice.choice((violation, doubtful))(self.dice.choice(CLASSES))
        for issue in self.ledger.record(point, seen, at=self.at):
            self.promise(issue)

    def act(self) -> None:
        with self.office.context.database.read() as session:
            unfinished = [one for state in USUAL for one in self._in(session, state)]
        if unfinished:
            issue = self.dice.choice(unfinished)
            self.step(issue, self.dice.choice(USUAL[State(issue.state)]))

    def _in(self, session: Any, state: State) -> list[Issue]:
        from api.accounts.schemas import EVERYWHERE
        from api.paging import Window

        wanted = issues.Filter(states=[state])
        return issues.list_issues(session, Window(limit=200), wanted, within=EVERYWHERE)[0]

    def step(self, issue: Issue, action: Action) -> None:
        given: dict[str, Any] = {"note": "as it is"}
        if action is Action.rectify:
            self.ledger.after_photo(issue)
        if action is Action.mark_notified:
            given["level"] = Level.city
        if action is Action.change_class:
            given["violation"] = self.dice.choice([code for code in CLASSES if code != issue.class_code])
        with self.office.context.database.write() as session:
            wanted = Step(action=action, **given)
            context = self.office.context
            issues.step(
                session, issue.number, wanted, self.boss, context.taxonomy, zone=context.settings.zone, revision=None
            )

    def promise(self, issue: Issue) -> None:
        """Give an issue a deadline where nothing else has: every other one is short."""
        with self.office.context.database.write() as session:
            row = session.get_one(Issue, issue.id)
            if row.due_at is None:
                row.due_at = self.at + timedelta(hours=(6, 90)[self.dice.randrange(2)])


@dataclass(kw_only=True)
class Run:
    """A case as the log tells it."""

    point: Point
    first: bool
    started: datetime
    code: str
    opened: datetime | None = None
    due: datetime | None = None
    done: datetime | None = None
    ended: datetime | None = None
    ending: str = ""
    notified: bool = False
    pauses: list[list[datetime]] = field(default_factory=list)
    department: str = ""


def tell(campaign: Campaign) -> list[Run]:
    """Read the log event by event, with nothing but what the states mean."""
    context = campaign.office.context
    with context.database.read() as session:
        events = [one for one in audit.after(session, 0, 1_000_000) if one.subject_kind == "issue"]
        rows = issues.issues_by_id(session, {one.subject_id for one in events})
    points = {one.id: one for one in campaign.points}
    by_issue: dict[Any, list[AuditEvent]] = defaultdict(list)
    for event in events:
        by_issue[event.subject_id].append(event)
    runs: list[Run] = []
    for issue_id, own in by_issue.items():
        mine: list[Run] = []
        code = next((one.data["from"] for one in own if one.action == "change_class"), rows[issue_id].class_code)
        for event in own:
            if event.before is None or (
                event.before in ("closed", "rejected", "merged") and event.after != event.before
            ):
                mine.append(Run(point=points[rows[issue_id].point_id], first=not mine, started=event.at, code=code))
            _follow(mine[-1], event)
            code = mine[-1].code
        if mine[-1].ended is None:
            mine[-1].due = rows[issue_id].due_at
        runs += mine
    return runs


def _follow(run: Run, event: AuditEvent) -> None:
    if event.action == "mark_notified":
        run.notified = True
    if event.action == "change_class" and event.after != "merged":
        run.code = event.data["violation"]
    if event.before != event.after:
        _move(run, event)


def _move(run: Run, event: AuditEvent) -> None:
    if run.opened is None and event.after not in ("lead", "in_review", "rejected", "merged"):
        run.opened = event.at
    if event.after == "suspended":
        run.pauses.append([event.at])
    elif event.before == "suspended":
        run.pauses[-1].append(event.at)
    if event.after == "rectified":
        run.done = event.at
    elif event.after not in ENDED:
        run.done = None
    if event.after in ENDED:
        run.ended, run.ending = event.at, str(event.after)
        run.due = datetime.fromisoformat(event.data["due_at"]) if "due_at" in event.data else None
        if event.after == "closed":
            run.done = run.done or event.at


def recount(campaign: Campaign, runs: list[Run], period: Period, seen_at: datetime) -> dict[str, Any]:
    """Count a period in Python, run by run."""
    start, end, edge = period.start, period.end, min(period.end, seen_at)

    def inside(moment: datetime | None) -> bool:
        return moment is not None and start <= moment < end

    closed = [one for one in runs if one.ending == "closed" and one.opened and inside(one.ended)]
    due = [
        one for one in runs
        if one.opened and one.due and inside(one.due) and not (one.done and one.done < start)
        and not (one.ending in ("rejected", "merged") and one.ended <= one.due)
        and not (one.ended and one.ended < start)
    ]  # fmt: skip
    unfinished = [one for one in runs if one.opened and one.opened < end and not (one.ended and one.ended < end)]

    def late(one: Run) -> bool:
        return one.due is not None and one.due < edge and (one.done is None or one.done > one.due)

    spent = [worked_h(campaign, one) for one in closed]
    opened = [one for one in runs if inside(one.opened)]
    return {
        "found": sum(one.first and inside(one.started) for one in runs),
        "reopened": sum(not one.first and inside(one.started) for one in runs),
        "opened": len(opened),
        "due": len(due),
        "closed": len(closed),
        "closed_in_time": sum(one.due is None or one.done <= one.due for one in closed),
        "overdue": sum(map(late, due)),
        "rejected": sum(one.ending == "rejected" and inside(one.ended) for one in runs),
        "merged": sum(one.ending == "merged" and inside(one.ended) for one in runs),
        "rectified": sum(one.ending == "closed" and one.ended < end for one in opened),
        "unfinished": len(unfinished),
        "overdue_at_end": sum(map(late, unfinished)),
        "notified": sum(one.notified for one in opened),
        "mean_h": mean(spent) if spent else None,
        "median_h": median(spent) if spent else None,
    }


def worked_h(campaign: Campaign, run: Run) -> float:
    """Give the working hours from opening to being put right, without pauses."""
    office = campaign.office.context.office

    def between(since: datetime, until: datetime) -> float:
        return office.between(since, until, "", Clock.working) / timedelta(hours=1)

    assert run.opened
    assert run.done
    pauses = sum(between(*pause) for pause in run.pauses if len(pause) == 2)
    return max(0.0, between(run.opened, run.done) - pauses)
