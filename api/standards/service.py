"""Standards: which version is in force, what it deducts, which classes it does not assess. Never commits.

A class that is off on the day it was seen opens no issue and adds to none; the capture keeps what the model saw on it,
so nothing is lost when the office changes its mind. What people report by hand is taken all the same.
"""

import uuid
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml
from pydantic import ValidationError
from sqlalchemy.orm import Session

from api.audit.changes import NOTHING, note_change, picture
from api.database import now
from api.errors import Conflict, NotFound, Stale, Unfit
from api.paging import Window, cut
from api.sheets import Row, Sheet, refuse
from api.standards.schemas import ClassOff, Item, StandardFields
from api.standards.tables import Standard
from detector.taxonomy import Taxonomy

SUBJECT = "standard"  # of the audit log
SHEET = Sheet(model=Item, key="code", noun="items")


def in_force(session: Session, on: date) -> Standard | None:
    """Give the version in force on a day of the office's calendar; None before the first."""
    query = sa.select(Standard).where(Standard.since <= on).order_by(Standard.since.desc()).limit(1)
    return session.scalars(query).first()


def classes_off(session: Session, on: date) -> frozenset[str]:
    """Give the classes of violation that are not assessed on a day."""
    standard = in_force(session, on)
    off = [ClassOff.model_validate(one) for one in standard.classes_off] if standard else []
    return frozenset(one.violation for one in off if one.covers(on))


def items_at(standard: Standard | None, category: str) -> list[Item]:
    """Give the items that a place of a category is judged by, in the order of the text."""
    items = [Item.model_validate(one) for one in standard.items] if standard else []
    return [one for one in items if one.category in (None, category)]


def checked_by_hand(item: Item, taxonomy: Taxonomy) -> bool:
    """Say whether no model sees what offends against an item, so that an inspector has to look."""
    return all(code not in taxonomy.classes or taxonomy.classes[code].seen is None for code in item.classes)


def get_standard(session: Session, code: str) -> Standard:
    """Give a version by its code.

    Raises:
        NotFound: there is no such version.
    """
    found = session.scalar(sa.select(Standard).where(Standard.code == code))
    if found is None:
        raise NotFound(f"There is no standard {code[:64]!r}.")
    return found


def list_standards(session: Session, window: Window) -> tuple[list[Standard], str | None]:
    """Give one page of the versions, newest first."""
    return cut(session, sa.select(Standard), Standard, window)


def keep_standard(
    session: Session,
    code: str,
    fields: StandardFields,
    taxonomy: Taxonomy,
    *,
    revision: int | None,
    by: uuid.UUID | None,
) -> Standard:
    """Add a version, or change it if it is still at `revision` (None: whatever it is at).

    Raises:
        Stale; Conflict: another version begins on the same day; Unfit: it names what the catalogue does not have.
    """
    if fields.code != code:
        raise Unfit(f"code: the address says {code[:64]!r}, the standard {fields.code!r}.")
    faults = _faults(fields.items, fields.classes_off, taxonomy)
    if faults:
        place, column, reason = faults[0]
        raise Unfit(f"{place} {column}: {reason}.")
    row = session.scalar(sa.select(Standard).where(Standard.code == code).with_for_update())
    if revision is not None and (row is None or row.revision != revision):
        raise Stale(f"Standard {code} is at revision {row.revision if row else 0} now. Read it again, then repeat.")
    taken = sa.select(Standard.code).where(Standard.since == fields.since, Standard.code != code)
    if other := session.scalar(taken):
        raise Conflict(f"Standard {other} begins on {fields.since} too; of two, one must begin later.")
    values = fields.model_dump(mode="json", exclude={"since"}) | {"since": fields.since}
    before = NOTHING if row is None else _told(row)
    if row is None:
        row = Standard(**values, created_at=now(), updated_at=now(), revision=1)
        session.add(row)
    elif any(getattr(row, name) != value for name, value in values.items()):
        for name, value in values.items():
            setattr(row, name, value)
        row.updated_at, row.revision = now(), row.revision + 1
    session.flush()
    note_change(session, kind=SUBJECT, subject_id=row.id, name=code, before=before, after=_told(row), by=by)
    return row


def _told(row: Standard) -> dict[str, Any]:
    """Give a version as the log tells it: item by item, for of hundreds few change."""
    items = {f"items.{one['code']}": one for one in row.items}
    return picture(row, without=("items",)) | items


def import_items(
    session: Session,
    code: str,
    rows: list[Row[Item]],
    taxonomy: Taxonomy,
    *,
    revision: int | None,
    by: uuid.UUID | None,
) -> Standard:
    """Let the items of a version be those of a file, all or none.

    Raises:
        NotFound, Stale; Unfit: with one entry for each row that names what the catalogue does not have.
    """
    standard = get_standard(session, code)
    numbers = {row.fields.code: row.number for row in rows}
    items = [row.fields for row in rows]
    refuse(
        [
            {"row": numbers[place], "column": column, "reason": reason}
            for place, column, reason in _faults(items, [], taxonomy)
        ]
    )
    fields = StandardFields.model_validate(
        {name: getattr(standard, name) for name in StandardFields.model_fields} | {"items": items}
    )
    return keep_standard(session, code, fields, taxonomy, revision=revision, by=by)


def read_standard(path: Path) -> StandardFields:
    """Read a version from a YAML file.

    Raises:
        Unfit: with file and reason.
    """
    try:
        return StandardFields.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        raise Unfit(f"{path}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}.") from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Unfit(f"{path}: not YAML: {' '.join(str(error).split())[:200]}.") from error


def first_start(session: Session, path: Path, taxonomy: Taxonomy) -> None:
    """Begin with the shipped example where there is no standard yet."""
    if session.scalar(sa.select(Standard.id).limit(1)) is not None:
        return
    fields = read_standard(path)
    if not _faults(fields.items, fields.classes_off, taxonomy):  # an office's own catalogue may lack its classes
        keep_standard(session, fields.code, fields, taxonomy, revision=None, by=None)


def _faults(items: list[Item], off: list[ClassOff], taxonomy: Taxonomy) -> list[tuple[str, str, str]]:
    """Give item, column and reason of whatever the catalogue does not have."""
    faults = [
        (one.code, "category", f"{one.category!r} is not a place category")
        for one in items
        if one.category is not None and one.category not in taxonomy.categories
    ]
    faults += [
        (one.code, "classes", f"{code!r} is not a class of violation")
        for one in items
        for code in one.classes
        if code not in taxonomy.classes
    ]
    faults += [
        ("classes_off", "violation", f"{one.violation!r} is not a class of violation")
        for one in off
        if one.violation not in taxonomy.classes
    ]
    counted = Counter(one.code for one in items)
    return faults + [(code, "code", f"{code} stands {count} times") for code, count in counted.items() if count > 1]
