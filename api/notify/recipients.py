"""Who somebody is for an issue: from the words of the rules to users. Takes a session, only reads."""

import uuid
from collections.abc import Iterable

from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.accounts.roles import Role
from api.issues.tables import Issue
from api.notify.rules import Who
from api.points.tables import Point
from api.posts import service as posts
from api.posts.tables import Post

_ROLES = {
    Who.secretaries: Role.secretary,
    Who.line_leaders: Role.line_leader,
    Who.supervisors: Role.supervisor,
    Who.reviewers: Role.reviewer,
}


def of_issue(session: Session, issue: Issue, point: Point, wanted: Iterable[Who]) -> set[uuid.UUID]:
    """Give the users whom the rules mean, for an issue at its point."""
    found: set[uuid.UUID] = set()
    for who in wanted:
        found |= _who(session, issue, point, who)
    return found


def _who(session: Session, issue: Issue, point: Point, who: Who) -> set[uuid.UUID]:
    if who is Who.admins:
        return accounts.ids_with_role(session, Role.admin)
    if who in _ROLES:
        return accounts.ids_with_role(session, _ROLES[who], community=point.community)
    if who is Who.handlers:
        return accounts.ids_with_role(session, Role.handler, department=issue.department) if issue.department else set()
    return accounts.in_force(session, {post.user_id for post in _posts(session, issue, point, who)})


def _posts(session: Session, issue: Issue, point: Point, who: Who) -> list[Post]:
    """Give the posts that a word of the rules means: the issue's own, its deputies, those of the point."""
    if who in (Who.specific, Who.first):
        code = point.specific_post if who is Who.specific else point.first_post
        return list(posts.posts_by_code(session, [code]).values())
    own = list(posts.posts_by_id(session, [issue.post_id]).values())
    if who is Who.holder:
        return own
    return list(posts.posts_by_code(session, [code for post in own for code in post.deputies]).values())
