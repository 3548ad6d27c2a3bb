"""Posts: what may happen to them. Takes a session, never commits."""

import uuid
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.database import now
from api.errors import Conflict, NotFound, Stale, Unfit
from api.paging import Window, cut
from api.posts.schemas import PostFields
from api.posts.tables import Post
from api.sheets import ImportOutcome, Row, Sheet, refuse
from detector.taxonomy import Taxonomy

SHEET = Sheet(model=PostFields, key="code", noun="posts")


def get_post(session: Session, code_or_id: str) -> Post:
    """Give a post by its code or its id.

    Raises:
        NotFound: there is no such post.
    """
    found = session.scalar(sa.select(Post).where(Post.code == code_or_id))
    if found is None:
        try:
            found = session.get(Post, uuid.UUID(code_or_id))
        except ValueError:
            found = None
    if found is None:
        raise NotFound(f"There is no post {code_or_id[:64]!r}.")
    return found


def posts_by_id(session: Session, ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, Post]:
    """Give the posts with these ids."""
    return {post.id: post for post in session.scalars(sa.select(Post).where(Post.id.in_(set(ids) - {None})))}


def posts_by_code(session: Session, codes: Iterable[str | None]) -> dict[str, Post]:
    """Give the posts with these codes."""
    return {post.code: post for post in session.scalars(sa.select(Post).where(Post.code.in_(set(codes) - {None})))}


def list_posts(
    session: Session, window: Window, *, community: str | None = None, department: str | None = None
) -> tuple[list[Post], str | None]:
    """Give one page of the posts, newest first."""
    query = sa.select(Post)
    if community:
        query = query.where(Post.community == community)
    if department:
        query = query.where(Post.department == department)
    return cut(session, query, Post, window)


def all_posts(session: Session) -> list[Post]:
    """Give every post in the order of the codes; an office has dozens, an import at most thousands."""
    return list(session.scalars(sa.select(Post).order_by(Post.code)))


def create_post(session: Session, fields: PostFields, taxonomy: Taxonomy) -> Post:
    """Add a post.

    Raises:
        Conflict: its code is taken. Unfit: it names a department or a post that does not exist.
    """
    if session.scalar(sa.select(Post.id).where(Post.code == fields.code)):
        raise Conflict(f"There is a post {fields.code} already. Change it with PUT, or choose another code.")
    known = set(session.scalars(sa.select(Post.code)))
    _refuse_first(_faults(fields, known | {fields.code}, taxonomy))
    return _add(session, fields)


def change_post(session: Session, code: str, fields: PostFields, taxonomy: Taxonomy, *, revision: int | None) -> Post:
    """Change a post, if it is still at `revision` (None: whatever it is at).

    Raises:
        NotFound, Stale; Unfit: it would have another code, or name a department or post that does not exist.
    """
    post = session.get(Post, get_post(session, code).id, with_for_update=True, populate_existing=True)
    assert post is not None
    if revision is not None and post.revision != revision:
        raise Stale(f"Post {code} is at revision {post.revision} now. Read it again, then repeat your change.")
    if fields.code != post.code:
        raise Unfit(f"code: the code of a post stays {post.code}, since points and rules name it. Add another post.")
    _refuse_first(_faults(fields, set(session.scalars(sa.select(Post.code))), taxonomy))
    _apply(post, fields, set(PostFields.model_fields))
    session.flush()
    return post


def import_posts(session: Session, rows: list[Row[PostFields]], taxonomy: Taxonomy) -> ImportOutcome:
    """Create or change the posts of a file, all or none; a post is known by its code.

    Columns that the file lacks stay as they are. Posts may name others of the same file.

    Raises:
        Unfit: with one entry for each row that names a department or post that does not exist.
    """
    kept = {post.code: post for post in session.scalars(sa.select(Post).order_by(Post.id).with_for_update())}
    codes = kept.keys() | {row.fields.code for row in rows}
    refuse(
        [
            {"row": row.number, "column": column, "reason": reason}
            for row in rows
            for column, reason in _faults(row.fields, codes, taxonomy)
        ]
    )
    created = updated = 0
    for row in rows:
        if row.fields.code not in kept:
            _add(session, row.fields)
            created += 1
        elif _apply(kept[row.fields.code], row.fields, row.fields.model_fields_set):
            updated += 1
    session.flush()
    return ImportOutcome(created=created, updated=updated, unchanged=len(rows) - created - updated)


def _add(session: Session, fields: PostFields) -> Post:
    at = now()
    post = Post(**fields.model_dump(include=set(PostFields.model_fields)), created_at=at, updated_at=at, revision=1)
    session.add(post)
    session.flush()
    return post


def _apply(post: Post, fields: PostFields, names: set[str]) -> bool:
    """Write the fields onto the post; say whether anything changed."""
    changed = {name: value for name, value in fields.model_dump(include=names).items() if getattr(post, name) != value}
    for name, value in changed.items():
        setattr(post, name, value)
    if changed:
        post.updated_at = now()
        post.revision += 1
    return bool(changed)


def _faults(fields: PostFields, codes: Iterable[str], taxonomy: Taxonomy) -> list[tuple[str, str]]:
    """Give column and reason of whatever a post names that does not exist."""
    faults = []
    departments = [one.code for one in taxonomy.departments]
    if fields.department is not None and fields.department not in departments:
        faults.append(
            ("department", f"{fields.department!r} is not a department; the catalogue has {', '.join(departments)}")
        )
    known = set(codes)
    named = [("deputies", one) for one in fields.deputies] + (
        [("superior", fields.superior)] if fields.superior else []
    )
    for column, code in named:
        if code not in known:
            faults.append((column, f"there is no post {code!r}"))
        elif code == fields.code:
            faults.append((column, "a post cannot name itself"))
    return faults


def _refuse_first(faults: list[tuple[str, str]]) -> None:
    if faults:
        column, reason = faults[0]
        raise Unfit(f"{column}: {reason}.")
