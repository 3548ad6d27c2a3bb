"""Cameras and what they reported, as they are sent. Never an address with its password."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from api.cameras import service, status
from api.cameras.schemas import CameraView, EventView, Figures, Report, State, ZonesView
from api.cameras.tables import Camera, CameraStay, CameraZones
from api.issues import service as issues
from api.points import service as points
from detector.cameras.probe import Probe
from detector.cameras.reading import trouble_of
from detector.cameras.zones import Zones
from detector.errors import CameraError
from detector.texts import say

DEAR_PERCENT = 10.0  # of a core: four hundred of these would be needed to fill forty boxes, ten fill one


def camera_views(session: Session, rows: Sequence[Camera]) -> list[CameraView]:
    """Give cameras as they are sent."""
    ids = [row.id for row in rows]
    states = status.states_of(session, ids)
    codes = {one.id: one.code for one in points.points_by_id(session, [row.point_id for row in rows]).values()}
    zones, lasting, watched = (
        service.zones_in_force(session, rows),
        service.count_lasting(session, ids),
        status.is_watched(session),
    )
    stills = status.stills_at(session, ids)
    return [
        CameraView(
            point=codes[row.point_id],
            state=State(states[row.id].state) if row.active else State.off,
            since=states[row.id].since if row.active else row.updated_at,
            why=states[row.id].why if row.active else "",
            watched=watched and row.active,
            zones=len(zones[row.id].zones),
            lasting=lasting.get(row.id, 0),
            still_at=stills.get(row.id),
            figures=Figures.model_validate(states[row.id].figures),
            figures_at=states[row.id].figures_at,
            **{name: getattr(row, name) for name in _COLUMNS},
        )
        for row in rows
    ]


_COLUMNS = (
    "id", "code", "name", "address", "kind", "transport", "every_s", "weight", "active", "zones_version",
    "created_at", "updated_at", "revision",
)  # fmt: skip


def zones_view(row: Camera, kept: CameraZones | None) -> ZonesView:
    """Give a camera's zones as they are sent."""
    zones = Zones.model_validate({"zones": kept.zones if kept else []})
    return ZonesView(
        zones=zones.zones,
        version=row.zones_version,
        revision=row.zones_version,
        made_at=kept.made_at if kept else None,
    )


def event_views(session: Session, camera: Camera, rows: Sequence[CameraStay]) -> list[EventView]:
    """Give events as they are sent."""
    numbers = issues.numbers_of(session, [row.capture_id for row in rows if row.capture_id])
    return [
        EventView(
            camera=camera.code,
            box=tuple(row.box),
            length_s=round(((row.ended_at or row.last_at) - row.since_at).total_seconds(), 1),
            issue=numbers.get((row.capture_id, row.class_code)) if row.capture_id else None,
            has_clip=row.clip_key is not None,
            **{name: getattr(row, name) for name in _EVENT_COLUMNS},
        )
        for row in rows
    ]


_EVENT_COLUMNS = tuple(
    name for name in EventView.model_fields if name not in ("camera", "box", "length_s", "issue", "has_clip")
)


def refused_report(error: CameraError, language: str) -> Report:
    """Give the report of a camera that does not work; what the reader said has no password in it."""
    trouble = trouble_of(error)
    return Report(works=False, trouble=trouble, words=[say(f"camera.trouble.{trouble}", language), str(error)])


def report_of(found: Probe, every_s: float, language: str) -> Report:
    """Give the report of a camera that works, with what could be better."""
    cost = round(100 * found.cost_share(every_s), 2)
    words = [say("camera.report.works", language, width=found.width, height=found.height, codec=found.codec)]
    if found.rare_keys:
        words.append(say("camera.report.rare_keys", language, seconds=round(found.key_every_s or 0, 1)))
    elif found.fps is not None and found.key_every_s is None:
        words.append(say("camera.report.one_key", language))
    if found.fps is None:
        words.append(say("camera.report.single", language))
    words.append(say("camera.report.dear" if cost > DEAR_PERCENT else "camera.report.cost", language, percent=cost))
    return Report(
        works=True,
        trouble=None,
        words=words,
        codec=found.codec,
        width=found.width,
        height=found.height,
        fps=round(found.fps, 2) if found.fps is not None else None,
        kbit_s=round(found.kbit_s, 1) if found.kbit_s is not None else None,
        key_every_s=round(found.key_every_s, 2) if found.key_every_s is not None else None,
        cost_percent=cost,
    )
