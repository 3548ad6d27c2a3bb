"""A database as the first release left it: a row in each table, written without any of today's code."""

import uuid
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from api.database import Database

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
KEYS = {"boss": "admin", "front desk": "inspector", "lost": "viewer"}


class FirstRelease:
    """Fills a database of revision 0001."""

    def __init__(self, database: Database) -> None:
        database.upgrade(to="0001")
        self.ids = {name: uuid.uuid4() for name in (*KEYS, "point", "capture", "issue", "event", "sighting", "code")}
        with database.engine.begin() as connection:
            tables = sa.MetaData()
            tables.reflect(connection)
            for name, row in self._rows():
                connection.execute(_typed(tables.tables[name]).insert().values(row))

    def _rows(self) -> list[tuple[str, dict[str, Any]]]:
        ids = self.ids
        keys = [
            ("api_keys", {
                "id": ids[name], "name": name, "role": role, "sha256": name, "created_at": AT,
                "revoked_at": AT if name == "lost" else None,
            })
            for name, role in KEYS.items()
        ]  # fmt: skip
        return [
            *keys,
            ("sign_in_codes", {
                "id": ids["code"], "key_id": ids["boss"], "sha256": "c", "expires_at": AT, "used_at": None,
            }),
            ("points", {
                "id": ids["point"], "code": "P1", "name": "东门", "category": "park", "community": "翠宁社区",
                "address": "", "longitude": 114.1, "latitude": 22.5, "responsible_post": "第一书记",
                "responsible_person": "", "no_parking": False, "created_at": AT, "updated_at": AT, "revision": 3,
            }),
            ("captures", {
                "id": ids["capture"], "point_id": ids["point"], "sha256": "s", "media_key": "m", "filename": "f.jpg",
                "byte_count": 1, "format": "JPEG", "width": 640, "height": 480, "received_at": AT,
                "sent_by": ids["front desk"], "status": "done", "attempts": 1, "not_before": AT,
                "detections": [], "violations": [],
            }),
            ("issue_counters", {"year": 2026, "last": 1}),
            ("issues", {
                "id": ids["issue"], "number": "DH-2026-000001", "point_id": ids["point"], "class_code": "graffiti",
                "state": "closed", "opened_at": AT, "closed_at": AT, "first_seen_at": AT, "last_seen_at": AT,
                "sighting_count": 1, "confidence": 0.9, "cover_capture_id": ids["capture"], "reopened_count": 0,
                "revision": 2,
            }),
            ("issue_events", {
                "id": ids["event"], "issue_id": ids["issue"], "at": AT, "action": "close", "from_state": "open",
                "to_state": "closed", "by_key_id": ids["boss"], "note": "清理完毕", "capture_id": None,
            }),
            ("sightings", {
                "id": ids["sighting"], "issue_id": ids["issue"], "capture_id": ids["capture"],
                "class_code": "graffiti", "seen_at": AT, "confidence": 0.9, "certainty": "automatic",
                "reason": "sure", "boxes": [{"box": [1, 2, 3, 4], "confidence": 0.9}], "model": "street/1",
            }),
        ]  # fmt: skip


def _typed(table: sa.Table) -> sa.Table:
    """Give a table as it was declared: SQLite tells ids as texts of 32 letters."""
    for column in table.columns:
        if isinstance(column.type, sa.CHAR) and column.type.length == 32:
            column.type = sa.Uuid()
        elif isinstance(column.type, sa.DateTime):
            column.type = sa.DateTime(timezone=True)
    return table
