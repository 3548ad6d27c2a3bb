"""From codes and ids to names in both languages, for what is counted by them."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.points import service as points
from api.points.tables import Point
from api.posts import service as posts
from api.posts.tables import Post as PostRow
from api.reports import figures
from api.reports.figures import Column
from api.reports.schemas import Named, Subject
from api.reports.tables import Case
from detector.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A post, as far as a list of names needs it."""

    name: Named
    person: str  #: who holds it; empty where nobody does


class Names:
    """Knows the catalogue and asks the other domains once for each list."""

    def __init__(self, session: Session, taxonomy: Taxonomy) -> None:
        self._session, self._taxonomy = session, taxonomy

    def of(self, key: Column, values: Iterable[Any]) -> dict[Any, Named]:
        """Give the names of the values of a column; what has no name, such as no post at all, is left out."""
        if key is figures.POINT:
            return {id_: _point(row) for id_, row in self.points(values).items()}
        if key is figures.POST:
            return {id_: post.name for id_, post in self.posts(values).items()}
        if key is figures.CLASS:
            return {code: self.class_(code) for code in values}
        if key is figures.CATEGORY:
            named = {one.code: Named(code=one.code, zh=one.zh, en=one.en) for one in self._taxonomy.place_categories}
            return {code: named.get(code, _plain(code)) for code in values}
        if key is figures.DEPARTMENT:
            return {code: self.department(code) for code in values if code}
        return {value: _plain(value) for value in values if value}

    def points(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Point]:
        """Give the points with these ids."""
        return points.points_by_id(self._session, ids)

    def posts(self, ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, Post]:
        """Give the posts with these ids."""
        rows = posts.posts_by_id(self._session, ids)
        return {id_: Post(name=_post(row), person=row.holder) for id_, row in rows.items()}

    def class_(self, code: str) -> Named:
        """Give the name of a class; one that the catalogue has dropped is called by its code."""
        entry = self._taxonomy.classes.get(code)
        return Named(code=code, zh=entry.zh, en=entry.en) if entry else _plain(code)

    def department(self, code: str) -> Named:
        """Give the name of a department, likewise."""
        found = next((one for one in self._taxonomy.departments if one.code == code), None)
        return Named(code=code, zh=found.zh, en=found.en) if found else _plain(code)

    def subject(self, subject: Subject, value: Any) -> tuple[Named, str]:
        """Give the name of somebody on the talk list from the value of the column, and who holds the post."""
        if subject is Subject.department:
            return self.department(value), ""
        if subject is Subject.community:
            return _plain(value), ""
        post = self.posts([value]).get(value)
        return (post.name, post.person) if post else (_plain(str(value)), "")

    def subject_coded(self, subject: Subject, code: str) -> Named | None:
        """Give the name of whom a code means; None where it means nobody."""
        if subject is Subject.department:
            return self.department(code) if any(one.code == code for one in self._taxonomy.departments) else None
        if subject is Subject.post:
            post = posts.posts_by_code(self._session, [code]).get(code)
            return _post(post) if post else None
        known = self._session.scalar(sa.select(Case.id).where(Case.community == code).limit(1))
        return _plain(code) if known else None


def _plain(code: str) -> Named:
    return Named(code=code, zh=code, en=code)


def _point(row: Point) -> Named:
    name = f"{row.code} {row.name}"
    return Named(code=row.code, zh=name, en=name)


def _post(row: PostRow) -> Named:
    return Named(code=row.code, zh=row.zh, en=row.en or row.zh)
