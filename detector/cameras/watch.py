"""What is wrong in a camera's picture, from its beginning to its end: one stay for each event. Pure.

    frame ─► Gate (anything new?) ─► model ─► Stays (the same thing as before?) ─► zones: where, when, how long ─► Stay

The watch never asks what time it is and never opens anything; it is told frames, and what the model found on them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

import numpy as np
import supervision as sv

from detector.cameras.events import Event, Happening, Stay
from detector.cameras.frame import Frame
from detector.cameras.gate import Gate, Glance, glance
from detector.cameras.left import LeftThings
from detector.cameras.look import light_of, look_at
from detector.cameras.naming import WITHIN, iou, named, with_left
from detector.cameras.stays import Place, Sight, Stays
from detector.cameras.street import Street
from detector.cameras.view import Known, View, ViewGuard
from detector.cameras.zones import (
    LEFT_THING,
    IsHoliday,
    Zone,
    ZoneKind,
    Zones,
    looked_for,
    vehicle_classes,
    wants_left_things,
    weekends,
)
from detector.card import Card, Standing
from detector.rules import Box, Certainty, Reason, thresholds_of
from detector.taxonomy import Taxonomy

VEHICLE = "vehicle"  # the family of all classes that parking is judged by: a car may be called a truck now and then
THING = "thing"  # the family of all that lies about: litter may be called a full bin, or have no name at all
WHEELS = 0.4  # lower part of a vehicle's box that says where it stands
KEEP = 0.6  # share of the review threshold that is enough for a thing already known
OF = 6  # looks, of which so many must have seen a thing:
SEEN = 2  # a vehicle, which the dwell confirms as well
SEEN_LITTER = 4
CONFIRM_EVERY_S = 5.0  # while something waits to be confirmed, the model looks this often, or
CONFIRM_LEAST_S = 1.0  # down to this, more often: so that the looks which confirm it fit into the shortest dwell


@dataclass(slots=True, kw_only=True, eq=False)
class _Standing:
    """A place under one zone's rule."""

    since_s: float
    stay: Stay | None = None


@dataclass(slots=True, kw_only=True)
class Figures:
    """What the watch has done."""

    frames: int = 0
    looks: int = 0  #: of the model
    events: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What one zone looks for."""

    zone: Zone
    codes: dict[str, str] = field(default_factory=dict)  #: class of the model, or LEFT_THING -> violation


class Watch:
    """Watches one camera."""

    def __init__(
        self,
        zones: Zones,
        taxonomy: Taxonomy,
        card: Card,
        *,
        is_holiday: IsHoliday = weekends,
        gated: bool = True,
        known: Known | None = None,
    ) -> None:
        """Prepare to watch.

        Args:
            is_holiday: says of a day whether nobody works on it.
            gated: False has the model look at every frame.
            known: what the camera looked at when the zones were drawn; None takes the first frame for that.

        Raises:
            ZonesRefused: a zone names a class that nobody knows.
        """
        self._zones, self._is_holiday, self._gated = zones, is_holiday, gated
        self._clear: list[Zone] = []
        self._left: LeftThings | None = None
        self._ignored = [one for one in zones.zones if one.kind is ZoneKind.ignore]
        self.judge_by(taxonomy, card)
        self._gate, self._guard = Gate(zones.zones), ViewGuard(known)
        self._street, self._stays = Street(), Stays()
        self._standing: dict[tuple[int, str], _Standing] = {}
        self._night: bool | None = None
        self._size = (1, 1)
        self._glance: Glance | None = None
        self._looked_at_s = -np.inf
        self._holding: dict[str, float | None] = {}  # zone -> since when its rule holds; None while it does not
        self._numbers = count(1)
        self.figures = Figures()

    def judge_by(self, taxonomy: Taxonomy, card: Card) -> None:
        """Go on with another catalogue or model; what has been seen so far stays.

        Raises:
            ZonesRefused: a zone names a class that nobody knows now.
        """
        known = {entry.name for entry in card.classes}
        self._zones.check_against(taxonomy, known)
        self._taxonomy, self._card = taxonomy, card
        clear = [one for one in self._zones.zones if wants_left_things(one, taxonomy)]
        if clear != self._clear:
            self._clear, self._left = clear, LeftThings(clear) if clear else None
        looked = {one.name: looked_for(one, taxonomy) for one in self._zones.zones}
        self._rules = [
            _Rule(
                zone=one,
                codes={name: code for name, code in looked[one.name].items() if name in known}
                | ({LEFT_THING: LEFT_THING} if one in clear else {}),
            )
            for one in self._zones.zones
        ]
        shortest_s = min((rule.zone.dwell_s for rule in self._rules if rule.codes), default=np.inf)
        self._pace_s = min(CONFIRM_EVERY_S, max(CONFIRM_LEAST_S, shortest_s / SEEN_LITTER))
        self._vehicles = vehicle_classes(taxonomy)
        self._wrongs = {  # names by which something wrong may go, whether or not a zone asks for it
            name for entry in taxonomy.classes.values() if entry.seen is not None for name in entry.seen.model_classes
        }

    @property
    def blind(self) -> bool:
        """Say whether no zone looks for anything, so that the model need not be asked."""
        return not any(rule.codes for rule in self._rules)

    @property
    def view(self) -> View:
        """Give what the camera looks at."""
        return self._guard.view

    @property
    def known(self) -> Known:
        """Give what is remembered of what the camera looks at. From any thread."""
        return self._guard.known

    @property
    def min_confidence(self) -> float:
        """Give the confidence from which on the model's boxes are wanted, 0..1."""
        lowest = [
            self._review(code, name) for rule in self._rules for name, code in rule.codes.items() if name != LEFT_THING
        ]
        return KEEP * min(lowest, default=1.0)

    @property
    def suspended(self) -> bool:
        """Say whether the camera looks elsewhere, so that zones mean nothing."""
        return self._guard.view is not View.same

    @property
    def lasting(self) -> list[Stay]:
        """Give the stays that have begun and not ended."""
        return [one.stay for one in self._standing.values() if one.stay is not None]

    @property
    def in_sight(self) -> list[Stay]:
        """Give the stays that the last frame has shown to be there: neither hidden nor in doubt."""
        if self.suspended or self._guard.doubtful:
            return []
        sure = {place.number for place in self._stays.places if not place.uncertain}
        return [one.stay for (number, _), one in self._standing.items() if one.stay is not None and number in sure]

    def wants(self, frame: Frame) -> bool:
        """Take in a frame; say whether the model should look at it. Ask this of each frame, then `see` or `pass_by`."""
        self.figures.frames += 1
        self._glance = glance(frame.pixels)
        if not self._gated or self._gate.wants(self._glance, frame.at_s):
            return True
        since_s = frame.at_s - self._looked_at_s
        if self._left is not None and self._left.unsettled:  # its stay begins with the look that finds it at rest
            return since_s >= CONFIRM_LEAST_S
        return since_s >= self._pace_s and self._waiting()

    def pass_by(self, frame: Frame) -> list[Event]:
        """Take it that the frame shows nothing new."""
        events = self._check_view(frame)
        if self.suspended or self._guard.doubtful:
            return events
        self._stays.still(frame.at_s)
        return events + self._judge(frame.at_s, frame.taken_at)

    def see(self, frame: Frame, found: sv.Detections) -> list[Event]:
        """Take up what the model found on a frame; give what has begun or ended.

        Args:
            found: boxes in xyxy pixels of the stream's picture from `min_confidence` up, class_id in the card's order.
        """
        now = self._glance if self._glance is not None else glance(frame.pixels)
        events = self._check_view(frame)
        self.figures.looks += 1
        self._looked_at_s, self._size = frame.at_s, (frame.width, frame.height)
        self._gate.looked(now, frame.at_s)
        relit = self._night is not None and now.night != self._night
        self._night = now.night
        if self.suspended or self._guard.doubtful:
            return events
        if relit:
            self._street.forget()
        sights, others = self._sights(frame, found, now)
        light = light_of(frame.pixels)
        looks = [look_at(frame.pixels, one.box, frame.width, frame.height, light) for one in self._stays.places]
        lasting = {number for (number, _), one in self._standing.items() if one.stay is not None}
        left = self._stays.look(frame.at_s, sights, others, looks, lasting=lasting, relit=relit)
        standing = [one.box for one in self._stays.places if not one.empty_looks]
        self._street.learn(frame.pixels, [*standing, *others], frame.width, frame.height)
        return events + self._end(left, frame.at_s) + self._judge(frame.at_s, frame.taken_at)

    def _check_view(self, frame: Frame) -> list[Event]:
        now = self._glance if self._glance is not None else glance(frame.pixels)
        view = self._guard.check(now, frame.at_s)
        if view is None:
            return []
        what = {View.moved: Happening.moved, View.covered: Happening.covered, View.same: Happening.restored}[view]
        return [Event(what=what, at_s=frame.at_s)]

    def _waiting(self) -> bool:
        """Say whether something in a zone is about to be confirmed, or to be found gone."""
        open_numbers = {number for (number, _), one in self._standing.items() if one.stay is None}
        return any(one.number in open_numbers or one.empty_looks or one.veiled_looks for one in self._stays.places)

    def _review(self, code: str, name: str) -> float:
        return thresholds_of(self._taxonomy.classes[code], name, self._card).review

    def _sights(self, frame: Frame, found: sv.Detections, now: Glance) -> tuple[list[Sight], list[Box]]:
        """Sort what the model found: things that may be wrong somewhere, and all else."""
        light = light_of(frame.pixels)
        wanted = {name for rule in self._rules for name in rule.codes}
        things: list[tuple[dict[str, float], Box]] = []
        others: list[Box] = []
        doubtful: list[Box] = []
        for names, box in named(found, self._card, self._vehicles, self._wrongs):
            if any(zone.share(box, frame.width, frame.height) >= WITHIN for zone in self._ignored):
                continue
            asked = {name: sure for name, sure in names.items() if name in wanted}
            believed = {name: sure for name, sure in asked.items() if self._believed(name, sure, box)}
            if believed:
                things.append((believed, box))
            elif asked and not asked.keys() & self._vehicles:
                doubtful.append(box)
            else:
                others.append(box)
        left: list[Box] = []
        if self._left is not None:
            known = [*others, *(box for names, box in things if names.keys() & self._vehicles)]
            left = self._left.find(now, frame.at_s, known, frame.width, frame.height)
        sights = [self._sight(frame, light, names, box, outlined=box in left) for names, box in with_left(things, left)]
        return sights, [*others, *doubtful]

    def _sight(self, frame: Frame, light: float, names: dict[str, float], box: Box, *, outlined: bool) -> Sight:
        return Sight(
            family=VEHICLE if names.keys() & self._vehicles else THING,
            names=names,
            box=box,
            look=look_at(frame.pixels, box, frame.width, frame.height, light),
            street=self._street.look(box, frame.width, frame.height),
            outlined=outlined,
        )

    def _believed(self, name: str, confidence: float, box: Box) -> bool:
        """Say whether a sight is sure enough: less is asked of what was seen at this place before."""
        review = min(self._review(rule.codes[name], name) for rule in self._rules if name in rule.codes)
        return confidence >= review or any(iou(box, one.box) > WITHIN for one in self._stays.places)

    def _judge(self, at_s: float, taken_at: datetime | None) -> list[Event]:
        """Hold each place against each zone."""
        for rule in self._rules:
            if not rule.zone.holds(taken_at, self._is_holiday):
                self._holding[rule.zone.name] = None
            elif self._holding.get(rule.zone.name, -np.inf) is None:
                self._holding[rule.zone.name] = at_s
            else:
                self._holding.setdefault(rule.zone.name, -np.inf)
        return [
            event
            for place in self._stays.places
            for rule in self._rules
            for event in self._judge_one(place, rule, at_s)
        ]

    def _judge_one(self, place: Place, rule: _Rule, at_s: float) -> Iterable[Event]:
        key = place.number, rule.zone.name
        holds_since_s, name = self._holding[rule.zone.name], self._name(place, rule)
        standing = self._standing.get(key)
        if standing is not None and standing.stay is not None and holds_since_s is not None:
            standing.stay.last_s = place.last_s
            return
        if standing is not None and (name is None or holds_since_s is None):
            del self._standing[key]  # it is called something else by now, or the hours are over
            yield from _ending(standing, at_s)
            return
        if name is None or holds_since_s is None:
            return
        if standing is None:
            standing = self._standing[key] = _Standing(since_s=max(place.since_s, holds_since_s))
        lasted_s = place.last_s - standing.since_s
        needed = SEEN if place.family == VEHICLE else SEEN_LITTER
        seen = place.seen(OF) if place.family == VEHICLE else place.seen(OF, name)
        if lasted_s >= rule.zone.dwell_s and seen >= needed and not self._told(place.number, rule.codes[name]):
            standing.stay = self._begin(place, rule, name, standing.since_s, at_s)
            yield Event(what=Happening.began, at_s=at_s, stay=standing.stay)

    def _told(self, number: int, code: str) -> bool:
        """Say whether another zone has this very thing already, under the same name."""
        return any(
            one.stay is not None and one.stay.code == code for key, one in self._standing.items() if key[0] == number
        )

    def _name(self, place: Place, rule: _Rule) -> str | None:
        """Give what a place goes by in a zone; None where it does not lie in it, or is nothing wrong there."""
        lower = WHEELS if place.family == VEHICLE else 1.0
        if rule.zone.share(place.box, *self._size, of_lower=lower) < WITHIN:
            return None
        if place.family == VEHICLE:
            return place.name if place.name in rule.codes else None
        asked = [name for name in place.names if name in rule.codes]
        # what the model has a name for is told by it, unless it hardly ever has
        return max(asked, key=lambda name: (place.seen(OF, name) - (name == LEFT_THING), name), default=None)

    def _begin(self, place: Place, rule: _Rule, name: str, since_s: float, at_s: float) -> Stay:
        code, confidence = rule.codes[name], place.confidence(name)
        certainty, reason = self._certainty(name, code, confidence)
        self.figures.events += 1
        return Stay(
            number=next(self._numbers),
            code=code,
            zone=rule.zone.name,
            box=place.box,
            confidence=confidence,
            certainty=certainty,
            reason=reason,
            since_s=since_s,
            began_s=at_s,
            last_s=place.last_s,
        )

    def _certainty(self, name: str, code: str, confidence: float) -> tuple[Certainty, Reason]:
        if name == LEFT_THING:
            return Certainty.review, Reason.new_thing
        if confidence < thresholds_of(self._taxonomy.classes[code], name, self._card).automatic:
            return Certainty.review, Reason.doubtful
        if self._card.classes[self._card.index(name)].standing is not Standing.verified:
            return Certainty.review, Reason.unproven_class
        return Certainty.automatic, Reason.stood_too_long if name in self._vehicles else Reason.sure

    def _end(self, left: list[Place], at_s: float) -> list[Event]:
        numbers = {one.number for one in left}
        gone = [key for key in self._standing if key[0] in numbers]
        return [event for key in gone for event in _ending(self._standing.pop(key), at_s)]


def _ending(standing: _Standing, at_s: float) -> Iterable[Event]:
    if standing.stay is not None:
        standing.stay.ended_s = standing.stay.last_s
        yield Event(what=Happening.ended, at_s=at_s, stay=standing.stay)
