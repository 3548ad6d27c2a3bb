"""Posts: what may happen to them. Takes a session, never commits."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.accounts.tables import User
from api.audit.changes import NOTHING, Picture, note_change, picture
from api.database import now
from api.errors import Conflict, NotFound, Stale, Unfit
from api.paging import Window, cut
from api.posts.schemas import PostFields, PostView
from api.posts.tables import Post
from api.sheets import ImportOutcome, Row, Sheet, refuse
from detector.taxonomy import Taxonomy

SUBJECT = "post"  # of the audit log
HIDDEN = ("phone",)  # in it
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


def above(session: Session, post: Post, steps: int) -> Post | None:
    """Give the post so many steps above another; None where nobody stands there."""
    met = {post.code}
    found: Post | None = post
    for _ in range(steps):
        if found is None or found.superior is None or found.superior in met:  # a circle has no top
            return None
        met.add(found.superior)
        found = session.scalar(sa.select(Post).where(Post.code == found.superior))
    return found


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


def create_post(session: Session, fields: PostFields, taxonomy: Taxonomy, *, by: uuid.UUID | None) -> Post:
    """Add a post.

    Raises:
        Conflict: its code is taken. Unfit: it names a department or a post that does not exist.
    """
    if session.scalar(sa.select(Post.id).where(Post.code == fields.code)):
        raise Conflict(f"There is a post {fields.code} already. Change it with PUT, or choose another code.")
    known = _known(session, [fields])
    _refuse_first(_faults(fields, known, taxonomy))
    return _add(session, fields, known, by)


def change_post(
    session: Session, code: str, fields: PostFields, taxonomy: Taxonomy, *, revision: int | None, by: uuid.UUID | None
) -> Post:
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
    known = _known(session, [fields])
    _refuse_first(_faults(fields, known, taxonomy))
    _apply(session, post, fields, set(PostFields.model_fields), known, by)
    session.flush()
    return post


def import_posts(
    session: Session, rows: list[Row[PostFields]], taxonomy: Taxonomy, *, by: uuid.UUID | None
) -> ImportOutcome:
    """Create or change the posts of a file, all or none; a post is known by its code.

    Columns that the file lacks stay as they are. Posts may name others of the same file.

    Raises:
        Unfit: with one entry for each row that names a department or post that does not exist.
    """
    kept = {post.code: post for post in session.scalars(sa.select(Post).order_by(Post.id).with_for_update())}
    known = _known(session, [row.fields for row in rows])
    refuse(
        [
            {"row": row.number, "column": column, "reason": reason}
            for row in rows
            for column, reason in _faults(row.fields, known, taxonomy)
        ]
    )
    created = updated = 0
    for row in rows:
        if row.fields.code not in kept:
            _add(session, row.fields, known, by)
            created += 1
        elif _apply(session, kept[row.fields.code], row.fields, row.fields.model_fields_set, known, by):
            updated += 1
    session.flush()
    return ImportOutcome(created=created, updated=updated, unchanged=len(rows) - created - updated)


def views(session: Session, rows: Sequence[Post]) -> list[PostView]:
    """Give posts as they are sent: with the login names of those who hold them."""
    users = accounts.users_by_id(session, {row.user_id for row in rows if row.user_id})
    kept = [name for name in PostView.model_fields if name != "login"]
    return [
        PostView.model_validate(
            {name: getattr(row, name) for name in kept} | {"login": users[row.user_id].login if row.user_id else None}
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What posts may name, read at once."""

    codes: frozenset[str]
    users: dict[str, User]  #: the people in force, by login name


def _known(session: Session, posts: Sequence[PostFields]) -> _Known:
    return _Known(
        codes=frozenset(session.scalars(sa.select(Post.code))) | {post.code for post in posts},
        users=accounts.people_by_login(session, {post.login for post in posts if post.login}),
    )


def _columns(fields: PostFields, names: set[str], known: _Known) -> dict[str, object]:
    """Give the columns that the named fields fill; where no name of the holder is given, it is the user's own."""
    values: dict[str, object] = fields.model_dump(include=names)
    if "login" in values:
        login = values.pop("login")
        user = known.users[str(login)] if login else None
        values["user_id"] = user.id if user else None
        if user is not None and not fields.holder:
            values["holder"] = user.name
    return values


def _add(session: Session, fields: PostFields, known: _Known, by: uuid.UUID | None) -> Post:
    at = now()
    columns = _columns(fields, set(PostFields.model_fields), known)
    post = Post(**columns, created_at=at, updated_at=at, revision=1)
    session.add(post)
    session.flush()
    _note(session, post, NOTHING, by)
    return post


def _apply(
    session: Session, post: Post, fields: PostFields, names: set[str], known: _Known, by: uuid.UUID | None
) -> bool:
    """Write the fields onto the post; say whether anything changed."""
    before = picture(post)
    changed = {name: value for name, value in _columns(fields, names, known).items() if getattr(post, name) != value}
    for name, value in changed.items():
        setattr(post, name, value)
    if changed:
        post.updated_at = now()
        post.revision += 1
        _note(session, post, before, by)
    return bool(changed)


def _note(session: Session, post: Post, before: Picture, by: uuid.UUID | None) -> None:
    note_change(
        session,
        kind=SUBJECT,
        subject_id=post.id,
        name=post.code,
        before=before,
        after=picture(post),
        by=by,
        hidden=HIDDEN,
    )


def _faults(fields: PostFields, known: _Known, taxonomy: Taxonomy) -> list[tuple[str, str]]:
    """Give column and reason of whatever a post names that does not exist."""
    faults = []
    departments = [one.code for one in taxonomy.departments]
    if fields.department is not None and fields.department not in departments:
        faults.append(
            ("department", f"{fields.department!r} is not a department; the catalogue has {', '.join(departments)}")
        )
    if fields.login is not None and fields.login not in known.users:
        faults.append(("login", f"there is no person in force who signs in as {fields.login!r}"))
    named = [("deputies", one) for one in fields.deputies] + (
        [("superior", fields.superior)] if fields.superior else []
    )
    for column, code in named:
        if code not in known.codes:
            faults.append((column, f"there is no post {code!r}"))
        elif code == fields.code:
            faults.append((column, "a post cannot name itself"))
    return faults


def _refuse_first(faults: list[tuple[str, str]]) -> None:
    if faults:
        column, reason = faults[0]
        raise Unfit(f"{column}: {reason}.")
