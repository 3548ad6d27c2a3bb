"""Zones: where in a picture what is not allowed, when, and for how long. Reading the file is the only I/O here."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

import cv2
import numpy as np
import numpy.typing as npt
import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from detector.errors import ZonesRefused
from detector.rules import Box
from detector.taxonomy import Judged, Taxonomy

Corner = tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]]
IsHoliday = Callable[[date], bool]

MAX_BYTES = 1_000_000
MOST_ZONES = 100
SMALLEST_AREA = 1e-4  # of the picture; less is a slip of the mouse
GRID_PX = 256  # cells along each side of the raster that areas are measured in
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class ZoneKind(StrEnum):
    """What a zone is for."""

    no_parking = "no_parking"  # no vehicle may stand here
    fire_lane = "fire_lane"  # nor here, and it is worse
    keep_clear = "keep_clear"  # nothing may be left here
    bins = "bins"  # bins stand here and must not overflow, nor may anything lie beside them
    ignore = "ignore"  # not looked at: private ground, a screen, a road that is none of ours


STANDING_IS = {  # what a vehicle that stands too long is called in each kind of zone
    ZoneKind.no_parking: "illegal_parking",
    ZoneKind.fire_lane: "blocked_fire_lane",
    ZoneKind.keep_clear: "illegal_parking",
}
LITTER = "exposed_garbage"
OVERFLOW = "overflowing_bin"
LEFT_THING = "clutter"  # something new that stays and is no learned class; a person is asked what it is
FOUND_IN = {  # violations of appearance that each kind of zone looks for unless it names others
    ZoneKind.no_parking: (),
    ZoneKind.fire_lane: (),
    ZoneKind.keep_clear: (LITTER,),
    ZoneKind.bins: (OVERFLOW, LITTER),
    ZoneKind.ignore: (),
}
DWELL_S = {  # how long it must last, seconds, where the zone does not say
    ZoneKind.no_parking: 180.0,
    ZoneKind.fire_lane: 60.0,
    ZoneKind.keep_clear: 120.0,
    ZoneKind.bins: 60.0,
    ZoneKind.ignore: 0.0,
}


class Entry(BaseModel):
    """A part of the file; an unknown key is an error, since it is nearly always a misspelt one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Hours(Entry):
    """Some hours of some days, e.g. `{days: [workday], from: "07:00", to: "20:00"}`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    days: list[str] = Field(
        default=["workday", "holiday"],
        description="mon … sun, workday, holiday; a holiday counts only as `holiday`, whichever day of the week it is",
    )
    since: time = Field(default=time(0, 0), alias="from")
    to: time = Field(default=time(0, 0), description="before or at `from`: until then on the next day")

    @field_validator("days")
    @classmethod
    def _known(cls, days: list[str]) -> list[str]:
        unknown = [one for one in days if one not in (*DAYS, "workday", "holiday")]
        if unknown or not days:
            raise ValueError(f"days are {', '.join(DAYS)}, workday and holiday, not {', '.join(unknown) or 'none'}")
        return days

    @field_validator("since", "to", mode="before")
    @classmethod
    def _clock(cls, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):  # YAML 1.1 reads 07:30 as 450, base sixty
            value = f"{value // 60:02}:{value % 60:02}"
        return "00:00" if value == "24:00" else value

    def hold(self, at: datetime, is_holiday: IsHoliday) -> bool:
        """Say whether `at` lies in these hours."""
        clock = at.time().replace(tzinfo=None)
        if self.since < self.to:
            return self._on(at.date(), is_holiday) and self.since <= clock < self.to
        yesterday = date.fromordinal(at.toordinal() - 1)
        return (self._on(at.date(), is_holiday) and clock >= self.since) or (
            self._on(yesterday, is_holiday) and clock < self.to
        )

    def _on(self, day: date, is_holiday: IsHoliday) -> bool:
        if is_holiday(day):
            return "holiday" in self.days
        return "workday" in self.days or DAYS[day.weekday()] in self.days


def weekends(day: date) -> bool:
    """Call Saturdays and Sundays holidays: for whoever has no calendar at hand."""
    return day.weekday() >= 5


class Zone(Entry):
    """A part of the picture with its rule."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
    kind: ZoneKind
    polygon: list[Corner] = Field(min_length=3, max_length=100, description="(x, y), shares of width and height")
    classes: list[str] = Field(
        default=[], description="classes of the model or codes of violations; none means what the kind looks for"
    )
    hours: list[Hours] = Field(default=[], description="when the rule holds; none means always")
    dwell: float | None = Field(default=None, ge=0, le=7 * 86_400, description="seconds; none means the kind's own")

    @model_validator(mode="after")
    def _has_area(self) -> Self:
        if cv2.contourArea(np.asarray(self.polygon, dtype=np.float32)) < SMALLEST_AREA:
            raise ValueError("the polygon has next to no area, or its sides cross; give its corners in order")
        return self

    @property
    def dwell_s(self) -> float:
        """Give how long a thing must be there, seconds."""
        return DWELL_S[self.kind] if self.dwell is None else self.dwell

    def holds(self, at: datetime | None, is_holiday: IsHoliday) -> bool:
        """Say whether the rule holds at a time; where nobody knows the time, it does."""
        return not self.hours or at is None or any(one.hold(at, is_holiday) for one in self.hours)

    @cached_property
    def raster(self) -> npt.NDArray[np.bool_]:
        """Give the zone as (GRID_PX, GRID_PX) cells of the picture, true inside."""
        cells = np.zeros((GRID_PX, GRID_PX), dtype=np.uint8)
        cv2.fillPoly(cells, [np.round(np.asarray(self.polygon) * (GRID_PX - 1)).astype(np.int32)], (1,))
        return cells.astype(bool)

    def share(self, box: Box, width: int, height: int, *, of_lower: float = 1.0) -> float:
        """Give the share of a box, or of its lower part, that lies in the zone, 0..1.

        Args:
            box: x1, y1, x2, y2 in pixels of a picture of `width`×`height`.
            of_lower: which part counts, from below: where a vehicle stands is told by its wheels, not by its roof.
        """
        x1, y1, x2, y2 = box
        y1 = y2 - (y2 - y1) * of_lower
        across, down = GRID_PX / width, GRID_PX / height
        left, right = _cells(x1 * across, x2 * across)
        top, bottom = _cells(y1 * down, y2 * down)
        return float(self.raster[top:bottom, left:right].mean())


def _cells(low: float, high: float) -> tuple[int, int]:
    first = min(max(int(low), 0), GRID_PX - 1)
    return first, min(max(int(np.ceil(high)), first + 1), GRID_PX)


class Zones(Entry):
    """All zones of one camera, as they stand in a file."""

    zones: list[Zone] = Field(max_length=MOST_ZONES)

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [one.name for one in self.zones]
        twice = sorted({one for one in names if names.count(one) > 1})
        if twice:
            raise ValueError(f"two zones are called {', '.join(twice)}")
        return self

    def check_against(self, taxonomy: Taxonomy, model_classes: Iterable[str]) -> None:
        """Make sure that every class a zone names exists.

        Raises:
            ZonesRefused: naming the zone, the class, and what there is.
        """
        known = {*model_classes, *taxonomy.classes}
        for zone in self.zones:
            unknown = [one for one in zone.classes if one not in known]
            if unknown:
                raise ZonesRefused(
                    f"zone {zone.name!r}: no class is called {', '.join(unknown)}. Known: {', '.join(sorted(known))}."
                )


def vehicle_classes(taxonomy: Taxonomy) -> frozenset[str]:
    """Give the model's classes that parking is judged by."""
    judged = [one.seen for one in taxonomy.classes.values() if one.seen and one.seen.judged is Judged.parking]
    return frozenset(name for seen in judged for name in seen.model_classes)


def looked_for(zone: Zone, taxonomy: Taxonomy) -> dict[str, str]:
    """Give what a zone looks for: class of the model -> code of the violation."""
    wanted: dict[str, str] = {}
    vehicles = vehicle_classes(taxonomy)
    standing = STANDING_IS.get(zone.kind)
    if standing and taxonomy.classes[standing].enabled:
        asked = vehicles & set(zone.classes) if zone.classes else vehicles
        if standing in zone.classes:
            asked = vehicles
        wanted |= dict.fromkeys(sorted(asked), standing)
    for code, entry in taxonomy.classes.items():
        if not entry.enabled or entry.seen is None or entry.seen.judged is not Judged.appearance:
            continue
        if zone.classes:
            names = [one for one in entry.seen.model_classes if code in zone.classes or one in zone.classes]
        else:
            names = entry.seen.model_classes if code in FOUND_IN[zone.kind] else []
        wanted |= dict.fromkeys(names, code)
    return {} if zone.kind is ZoneKind.ignore else wanted


def wants_left_things(zone: Zone, taxonomy: Taxonomy) -> bool:
    """Say whether anything new that stays in this zone is to be shown to a person."""
    entry = taxonomy.classes.get(LEFT_THING)
    asked = not zone.classes or LEFT_THING in zone.classes
    return zone.kind is ZoneKind.keep_clear and asked and entry is not None and entry.enabled


def parse_zones(text: str, *, name: str = "zones") -> Zones:
    """Read zones from YAML: `zones: [{name, kind, polygon: [[x, y], …], classes?, hours?, dwell?}]`.

    Raises:
        ZonesRefused: with the place and what is wrong there.
    """
    try:
        said = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise ZonesRefused(f"{name}{where}: not YAML: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(said, dict):
        raise ZonesRefused(f"{name}: begin with `zones:` and list them below.")
    try:
        return Zones.model_validate(said)
    except ValidationError as error:
        lines = [
            f"{name}: {'.'.join(str(part) for part in one['loc']) or 'zones'}: {one['msg']}"
            for one in error.errors(include_url=False)
        ]
        raise ZonesRefused("\n".join(lines[:20])) from error


def read_zones(path: Path) -> Zones:
    """Read a file of zones.

    Raises:
        ZonesRefused: it cannot be read, or says what cannot be meant.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ZonesRefused(f"{path} is larger than {MAX_BYTES} bytes; that is no file of zones.")
        return parse_zones(content.decode("utf-8"), name=str(path))
    except OSError as error:
        raise ZonesRefused(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise ZonesRefused(f"{path} is not text in UTF-8.") from error


def write_zones(zones: Zones) -> str:
    """Give zones as the YAML that `parse_zones` reads."""
    said = zones.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return yaml.safe_dump(said, allow_unicode=True, sort_keys=False, default_flow_style=None, width=110)
