"""What the overview and the plan show, read in one transaction and put into words. Knows no widgets."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from api.accounts.roles import Permission
from api.accounts.schemas import Caller, Scope
from api.captures import service as captures
from api.captures.schemas import Status
from api.clocks.standing import Pace
from api.console.visit import Visit
from api.console.wanted import Wanted
from api.errors import NotFound
from api.issues import service as issues
from api.issues.routes import views
from api.issues.schemas import IssueView
from api.issues.tables import Issue
from api.issues.transitions import State
from api.paging import MOST, Window
from api.points import service as points
from api.points.tables import Point
from api.posts.schemas import PostBrief
from detector.card import Standing
from detector.texts import catalogue

FIRST_PAGE = 30
MOST_SHOWN = 1000  # beyond it a person narrows the choice instead of scrolling

ByPoint = dict[uuid.UUID, dict[State, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One look at everything the first page shows."""

    rows: list[dict[str, Any]]  #: issues in words, newest first
    more: bool  #: there are issues beyond these
    by_state: dict[State, int]
    by_kind: dict[str, int]  #: unfinished issues by code of the kind
    affected: int  #: points with an unfinished issue
    waiting: int  #: photos that the model has not looked at yet
    failed: int  #: photos that were parked with an error
    points: list[Point]
    by_point: ByPoint


def gather(session: Session, visit: Visit, caller: Caller, wanted: Wanted, count: int) -> Overview:
    """Read what the first page shows a caller, the newest `count` issues of those wanted."""
    within = caller.scope(Permission.view_issues)
    taxonomy = visit.service.taxonomy
    summary = issues.summarise(session, taxonomy, within=within)
    queue = captures.count_by_status(session, within=caller.scope(Permission.view_captures))
    try:
        rows, more = _newest(session, visit, within, wanted, min(count, MOST_SHOWN))
    except NotFound:  # a link to a point that is gone shows an empty list
        rows, more = [], False
    return Overview(
        rows=[in_words(visit, one) for one in views(session, rows, visit.service)],
        more=more and count < MOST_SHOWN,
        by_state=summary["by_state"],
        by_kind=summary["open_by_kind"],
        affected=summary["points_with_open"],
        waiting=queue.get(Status.queued, 0) + queue.get(Status.processing, 0),
        failed=queue.get(Status.failed, 0),
        points=points.all_points(session, within=caller.scope(Permission.view_points)),
        by_point=issues.unfinished_by_point(session, within=within),
    )


def _newest(session: Session, visit: Visit, within: Scope, wanted: Wanted, count: int) -> tuple[list[Issue], bool]:
    """Give the newest issues page by page; whether there are more."""
    rows: list[Issue] = []
    cursor: str | None = None
    while len(rows) < count:
        window = Window(cursor=cursor, limit=min(MOST, count - len(rows)))
        page, cursor = issues.list_issues(session, window, wanted.filter(visit.service.taxonomy), within=within)
        rows += page
        if cursor is None:
            return rows, False
    return rows, True


def in_words(visit: Visit, issue: IssueView) -> dict[str, Any]:
    """Give an issue as one row of the list, in the visitor's language and on the office's clock."""
    return {
        "id": str(issue.id),
        "number": issue.number,
        "href": f"/issues/{issue.number}",
        "state": issue.state,
        "state_text": visit.say(f"state.{issue.state}"),
        "kind": visit.name_of(issue.kind.code),
        "title": visit.name_of(issue.violation.code),
        "mark": mark_of(visit, issue.violation.code),
        "point": f"{issue.point.code} {issue.point.name}",
        "community": issue.point.community,
        "post": post_in_words(visit, issue.post),
        "department": visit.name_of(issue.department) if issue.department else "",
        "seen": visit.say("console.list.sightings", count=issue.sighting_count),
        "first": visit.moment(issue.first_seen_at),
        "last": visit.moment(issue.last_seen_at),
        "due": [
            {
                "words": visit.say("console.due", step=step_name(visit, one.step), at=visit.moment(one.due_at)),
                "pace": one.pace,
                "mark": visit.say(f"pace.{one.pace}") if one.pace is not Pace.running else "",
            }
            for one in issue.deadlines
        ],
        "confidence": f"{issue.confidence:.0%}" if issue.confidence is not None else "",
        "picture": f"/api/v1/captures/{issue.cover_capture_id}/picture?boxes=true&small=true"
        if issue.cover_capture_id
        else "",
    }


def post_in_words(visit: Visit, post: PostBrief | None) -> str:
    """Name a post and who holds it; says so where none is named."""
    if post is None:
        return visit.say("routing.nobody")
    title = post.en if visit.language == "en" and post.en else post.zh
    return f"{title} · {post.holder}" if post.holder else title


def step_name(visit: Visit, step: str) -> str:
    """Give the name of a step with a limit; a catalogue may bring steps that have no translation."""
    key = f"limit.step.{step}"
    return visit.say(key) if key in catalogue() else step


def mark_of(visit: Visit, class_code: str) -> str:
    """Give the word that warns where the model has not proved itself on a class; nothing where it has."""
    if class_code not in visit.service.taxonomy.classes:
        return ""
    standing = visit.service.taxonomy.standing(class_code, visit.service.card)
    return visit.say(f"standing.{standing}") if standing in (Standing.experimental, Standing.unverified) else ""
