"""Legal cameras and zones for tests."""

from typing import Any

SECRET = "gue$$ me/4"

STREET = {
    "name": "路边",
    "kind": "no_parking",
    "polygon": [[0.1, 0.5], [0.6, 0.4], [0.7, 0.6], [0.2, 0.9]],
    "dwell": 180.0,
}


def camera_fields(code: str, point: str, **changes: Any) -> dict[str, Any]:
    """Give the fields of a legal camera that is not there."""
    return {
        "code": code,
        "name": "翠宁路东口",
        "point": point,
        "address": "rtsp://192.0.2.7:554/stream1",
        "user": "admin",
        "password": SECRET,
    } | changes
