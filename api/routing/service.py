"""Routing: rules and what they say. Takes a session, never commits.

The nearest place speaks first (point, community, category, anywhere), then the narrowest problem (class, kind, any).
The point's own department for a kind ranks right behind its rules for that kind; its responsible posts, the specific
one before the first, answer for what no rule settles; the catalogue names the department where nothing else does.
Post and department are looked for separately: a rule may name one of them and leave the other to the next.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.audit.changes import NOTHING, Picture, note_change, picture
from api.database import now
from api.errors import Conflict, NotFound, Stale, Unfit
from api.paging import Window, cut
from api.points import service as points
from api.points.tables import Point
from api.posts import service as posts
from api.posts.tables import Post
from api.routing.schemas import Considered, Explanation, Place, Problem, RuleFields, Source, Verdict
from api.routing.tables import Rule
from api.sheets import ImportOutcome, Row, Sheet, refuse
from detector.taxonomy import Taxonomy

SUBJECT = "rule"  # of the audit log
SHEET = Sheet(model=RuleFields, key="code", noun="rules")
_WORDS = {
    Source.point_department: "the point's own department for the kind",
    Source.specific_post: "the point's specific responsible post",
    Source.first_post: "the point's first responsible post",
    Source.catalogue: "the catalogue",
}
_PLACES, _PROBLEMS = list(Place), list(Problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who answers for a problem."""

    post_id: uuid.UUID | None  #: None: neither a rule nor the point names a post
    department: str  #: code in the catalogue
    because: str  #: one plain sentence that names the rules


def route(session: Session, *, point: Point, class_code: str, on: date, taxonomy: Taxonomy) -> Route:
    """Say who answers for a class of violation at a point on a day of the office's calendar."""
    found = explain(session, point=point, class_code=class_code, on=on, taxonomy=taxonomy)
    post_id = posts.get_post(session, found.post).id if found.post else None
    return Route(post_id=post_id, department=found.department, because=found.because)


def explain(session: Session, *, point: Point, class_code: str, on: date, taxonomy: Taxonomy) -> Explanation:
    """Say who answers, and what was considered in which order.

    Raises:
        Unfit: the catalogue has no such class.
    """
    if class_code not in taxonomy.classes:
        raise Unfit(f"violation: {class_code[:48]!r} is not in the catalogue.")
    considered = _candidates(session, point, class_code, taxonomy)
    post = department = None
    for one in considered:
        if (one.since and on < one.since) or (one.until and one.until < on):
            one.verdict = Verdict.not_in_force
            continue
        gives_post = post is None and one.post is not None
        gives_department = department is None and one.department is not None
        post, department = post or (one if gives_post else None), department or (one if gives_department else None)
        if gives_post or gives_department:
            one.verdict = (
                Verdict.both if gives_post and gives_department else Verdict.post if gives_post else Verdict.department
            )
    assert department is not None  # the catalogue stands last and always names one
    assert department.department is not None
    return Explanation(
        point=point.code,
        violation=class_code,
        on=on,
        post=post.post if post else None,
        department=department.department,
        because=_sentence(post, department),
        considered=considered,
    )


def _sentence(post: Considered | None, department: Considered) -> str:
    who = f"Post {post.post} by {_by(post)}" if post else "No post: neither a rule nor the point names one"
    return f"{who}; department {department.department} by {_by(department)}."


def _by(one: Considered) -> str:
    return f"rule {one.rule}" if one.rule else _WORDS[one.source]


def _candidates(session: Session, point: Point, class_code: str, taxonomy: Taxonomy) -> list[Considered]:
    """Give everything that could answer, most specific first, in force or not."""
    kind = taxonomy.kind_of[class_code].code
    query = sa.select(Rule).where(
        sa.or_(Rule.point_id.is_(None), Rule.point_id == point.id),
        sa.or_(Rule.community.is_(None), Rule.community == point.community),
        sa.or_(Rule.category.is_(None), Rule.category == point.category),
        sa.or_(Rule.class_code.is_(None), Rule.class_code == class_code),
        sa.or_(Rule.kind.is_(None), Rule.kind == kind),
    )
    rules = list(session.scalars(query.order_by(Rule.code)))
    holders = posts.posts_by_code(session, (rule.post for rule in rules))
    considered = [_of_rule(rule, holders) for rule in rules]
    if kind in point.departments:
        considered.append(
            _candidate(Source.point_department, Place.point, Problem.kind, department=point.departments[kind])
        )
    # Stable: of one rank, a rule that names a department stands before one whose post merely belongs to one.
    considered.sort(key=_rank)
    for source, code in ((Source.specific_post, point.specific_post), (Source.first_post, point.first_post)):
        if code is not None:
            considered.append(_candidate(source, Place.point, Problem.any, post=code))
    first = taxonomy.classes[class_code].departments[0]
    considered.append(_candidate(Source.catalogue, Place.anywhere, Problem.violation, department=first))
    return considered


def _of_rule(rule: Rule, holders: dict[str, Post]) -> Considered:
    place, problem, _ = _scope(rule)
    belongs = holders[rule.post].department if rule.post else None
    return Considered(
        source=Source.rule,
        rule=rule.code,
        place=place,
        problem=problem,
        post=rule.post,
        department=rule.department or belongs,
        since=rule.since,
        until=rule.until,
        verdict=Verdict.outranked,
    )


def _candidate(
    source: Source, place: Place, problem: Problem, *, post: str | None = None, department: str | None = None
) -> Considered:
    return Considered(
        source=source, place=place, problem=problem, post=post, department=department, verdict=Verdict.outranked
    )


def _rank(one: Considered) -> tuple[int, int, bool, bool]:
    return (
        _PLACES.index(one.place),
        _PROBLEMS.index(one.problem),
        one.source is not Source.rule,
        one.post is not None,
    )


def get_rule(session: Session, code: str) -> Rule:
    """Give a rule by its code.

    Raises:
        NotFound: there is no such rule.
    """
    found = session.scalar(sa.select(Rule).where(Rule.code == code))
    if found is None:
        raise NotFound(f"There is no rule {code[:64]!r}.")
    return found


def list_rules(session: Session, window: Window) -> tuple[list[Rule], str | None]:
    """Give one page of the rules, newest first."""
    return cut(session, sa.select(Rule), Rule, window)


def all_rules(session: Session) -> list[Rule]:
    """Give every rule in the order of the codes."""
    return list(session.scalars(sa.select(Rule).order_by(Rule.code)))


def create_rule(session: Session, fields: RuleFields, taxonomy: Taxonomy, *, by: uuid.UUID | None) -> Rule:
    """Add a rule.

    Raises:
        Conflict: its code is taken, or another rule says the same thing; Unfit: it names what does not exist.
    """
    if session.scalar(sa.select(Rule.id).where(Rule.code == fields.code)):
        raise Conflict(f"There is a rule {fields.code} already. Change it with PUT, or choose another code.")
    known = _known(session, [fields])
    _refuse_first(_faults(fields, known, taxonomy))
    rule = _add(session, fields, known, by)
    _refuse_tie(session, rule)
    return rule


def change_rule(
    session: Session, code: str, fields: RuleFields, taxonomy: Taxonomy, *, revision: int | None, by: uuid.UUID | None
) -> Rule:
    """Change a rule, if it is still at `revision` (None: whatever it is at).

    Raises:
        NotFound, Stale; Conflict: the new code is taken, or another rule says the same; Unfit: it names what is not.
    """
    rule = _held(session, code, revision)
    if session.scalar(sa.select(Rule.id).where(Rule.code == fields.code, Rule.id != rule.id)):
        raise Conflict(f"There is another rule {fields.code} already.")
    known = _known(session, [fields])
    _refuse_first(_faults(fields, known, taxonomy))
    _apply(session, rule, fields, known, by)
    session.flush()
    _refuse_tie(session, rule)
    return rule


def drop_rule(session: Session, code: str, *, revision: int | None, by: uuid.UUID | None) -> None:
    """Take a rule away, if it is still at `revision`; issues that it has routed stay where they are.

    Raises:
        NotFound, Stale.
    """
    rule = _held(session, code, revision)
    note_change(session, kind=SUBJECT, subject_id=rule.id, name=rule.code, before=picture(rule), after=NOTHING, by=by)
    session.delete(rule)
    session.flush()


def _held(session: Session, code: str, revision: int | None) -> Rule:
    rule = session.get_one(Rule, get_rule(session, code).id, with_for_update=True, populate_existing=True)
    if revision is not None and rule.revision != revision:
        raise Stale(f"Rule {code} is at revision {rule.revision} now. Read it again, then repeat your change.")
    return rule


def import_rules(
    session: Session, rows: list[Row[RuleFields]], taxonomy: Taxonomy, *, by: uuid.UUID | None
) -> ImportOutcome:
    """Create or change the rules of a file, all or none; a rule is known by its code.

    A row says the whole of its rule: a column that the file lacks narrows no longer.

    Raises:
        Unfit: with one entry for each row that names what does not exist, or says what another rule says already.
    """
    known = _known(session, [row.fields for row in rows])
    refuse(
        [
            {"row": row.number, "column": column, "reason": reason}
            for row in rows
            for column, reason in _faults(row.fields, known, taxonomy)
        ]
    )
    kept = {rule.code: rule for rule in session.scalars(sa.select(Rule).order_by(Rule.id).with_for_update())}
    created = updated = 0
    numbers: dict[str, int] = {}
    for row in rows:
        numbers[row.fields.code] = row.number
        if row.fields.code not in kept:
            kept[row.fields.code] = _add(session, row.fields, known, by)
            created += 1
        elif _apply(session, kept[row.fields.code], row.fields, known, by):
            updated += 1
    refuse(
        [
            {"row": numbers.get(later.code, numbers.get(former.code)), "column": "code", "reason": _tie(later, former)}
            for later, former in _ties(kept.values())
        ]
    )
    session.flush()
    return ImportOutcome(created=created, updated=updated, unchanged=len(rows) - created - updated)


def fields_of(session: Session, rules: Iterable[Rule]) -> list[dict[str, object]]:
    """Give rules as they are sent: with the code of their point."""
    rules = list(rules)
    places = points.points_by_id(session, [rule.point_id for rule in rules if rule.point_id])
    return [
        {
            **{column.key: getattr(rule, column.key) for column in Rule.__table__.columns},
            "point": places[rule.point_id].code if rule.point_id else None,
            "violation": rule.class_code,
        }
        for rule in rules
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What rules may name, read at once."""

    points: dict[str, uuid.UUID]
    posts: frozenset[str]
    communities: frozenset[str]


def _known(session: Session, rules: Sequence[RuleFields]) -> _Known:
    return _Known(
        points=points.ids_by_code(session, (rule.point for rule in rules)),
        posts=frozenset(posts.posts_by_code(session, (rule.post for rule in rules))),
        communities=frozenset(points.communities(session)),
    )


def _faults(fields: RuleFields, known: _Known, taxonomy: Taxonomy) -> list[tuple[str, str]]:
    """Give column and reason of whatever a rule names that does not exist."""
    departments = {one.code for one in taxonomy.departments}
    kinds = {one.code for one in taxonomy.kinds}
    checks = (
        ("point", fields.point, known.points, "point"),
        ("community", fields.community, known.communities, "community that any point lies in"),
        ("category", fields.category, taxonomy.categories, "place category"),
        ("kind", fields.kind, kinds, "kind of problem"),
        ("violation", fields.violation, taxonomy.classes, "class of violation"),
        ("post", fields.post, known.posts, "post"),
        ("department", fields.department, departments, "department"),
    )
    return [
        (column, f"there is no {what} {value!r}")
        for column, value, exists, what in checks
        if value is not None and value not in exists
    ]


def _refuse_first(faults: list[tuple[str, str]]) -> None:
    if faults:
        column, reason = faults[0]
        raise Unfit(f"{column}: {reason}.")


def _columns(fields: RuleFields, known: _Known) -> dict[str, object]:
    values = fields.model_dump(include=set(RuleFields.model_fields))
    point, class_code = values.pop("point"), values.pop("violation")
    return {**values, "point_id": known.points[point] if point else None, "class_code": class_code}


def _add(session: Session, fields: RuleFields, known: _Known, by: uuid.UUID | None) -> Rule:
    at = now()
    rule = Rule(**_columns(fields, known), created_at=at, updated_at=at, revision=1)
    session.add(rule)
    session.flush()
    _note(session, rule, NOTHING, by)
    return rule


def _apply(session: Session, rule: Rule, fields: RuleFields, known: _Known, by: uuid.UUID | None) -> bool:
    before = picture(rule)
    changed = {name: value for name, value in _columns(fields, known).items() if getattr(rule, name) != value}
    for name, value in changed.items():
        setattr(rule, name, value)
    if changed:
        rule.updated_at = now()
        rule.revision += 1
        _note(session, rule, before, by)
    return bool(changed)


def _note(session: Session, rule: Rule, before: Picture, by: uuid.UUID | None) -> None:
    note_change(session, kind=SUBJECT, subject_id=rule.id, name=rule.code, before=before, after=picture(rule), by=by)


def _scope(rule: Rule) -> tuple[Place, Problem, tuple[object, ...]]:
    """Give how near and how narrowly a rule speaks, and of what exactly."""
    places = ((Place.point, rule.point_id), (Place.community, rule.community), (Place.category, rule.category))
    problems = ((Problem.violation, rule.class_code), (Problem.kind, rule.kind))
    place, where = next(((one, value) for one, value in places if value is not None), (Place.anywhere, None))
    problem, what = next(((one, value) for one, value in problems if value is not None), (Problem.any, None))
    return place, problem, (place, where, problem, what)


def _ties(rules: Iterable[Rule]) -> list[tuple[Rule, Rule]]:
    """Give the pairs of which neither is more specific: same place, same problem, same answer, days in common."""
    found = []
    alike: dict[tuple[object, ...], list[Rule]] = {}
    for rule in rules:
        same = alike.setdefault(_scope(rule)[2], [])
        found += [(rule, other) for other in same if _collide(rule, other)]
        same.append(rule)
    return found


def _collide(one: Rule, other: Rule) -> bool:
    same_answer = (one.post and other.post) or (one.department and other.department)
    apart = (one.until and other.since and one.until < other.since) or (
        other.until and one.since and other.until < one.since
    )
    return bool(same_answer and not apart)


def _tie(rule: Rule, other: Rule) -> str:
    return (
        f"{rule.code} and {other.code} speak of the same place and problem on the same days; "
        "make one more specific, or end one before the other begins"
    )


def _refuse_tie(session: Session, rule: Rule) -> None:
    for later, former in _ties(all_rules(session)):
        if rule.id in (later.id, former.id):
            raise Conflict(f"{_tie(later, former)}.")
