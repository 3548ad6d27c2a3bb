"""Who somebody is for an issue: from the words of the rules to users. Takes a session, only reads."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What people are told about."""

    issue: Issue
    point: Point
    departments: frozenset[str]  #: those concerned: the issue's, or those that were whistled for
    climbed: int = 1  #: posts up from the responsible one, where a superior is meant


def of_issue(session: Session, about: About, wanted: Iterable[Who]) -> set[uuid.UUID]:
    """Give the users whom the rules mean."""
    found: set[uuid.UUID] = set()
    for who in wanted:
        found |= _who(session, about, who)
    return found


def of_place(session: Session, point: Point, wanted: Iterable[Who]) -> set[uuid.UUID]:
    """Give the users whom the rules mean by their roles, for what concerns a place and no issue."""
    found: set[uuid.UUID] = set()
    for who in wanted:
        if who is Who.admins:
            found |= accounts.ids_with_role(session, Role.admin)
        elif who in _ROLES:
            found |= accounts.ids_with_role(session, _ROLES[who], community=point.community)
    return found


def _who(session: Session, about: About, who: Who) -> set[uuid.UUID]:
    if who is Who.admins:
        return accounts.ids_with_role(session, Role.admin)
    if who in _ROLES:
        return accounts.ids_with_role(session, _ROLES[who], community=about.point.community)
    if who is Who.handlers:
        found = (accounts.ids_with_role(session, Role.handler, department=one) for one in about.departments)
        return set().union(*found)
    return accounts.in_force(session, {post.user_id for post in posts_meant(session, about, who)})


def posts_meant(session: Session, about: About, who: Who) -> list[Post]:
    """Give the posts that a word of the rules means: the issue's own, its deputies, those above it and of the point."""
    if who in (Who.specific, Who.first):
        code = about.point.specific_post if who is Who.specific else about.point.first_post
        return list(posts.posts_by_code(session, [code]).values())
    own = list(posts.posts_by_id(session, [about.issue.post_id]).values())
    if who is Who.holder:
        return own
    if who is Who.superior:
        return [found for post in own if (found := posts.above(session, post, about.climbed)) is not None]
    if who is Who.deputies:
        return list(posts.posts_by_code(session, [code for post in own for code in post.deputies]).values())
    return []
