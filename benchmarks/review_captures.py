"""Captures that wait for reviewers, as `review_load` needs them by the thousand: real pictures, seen by the real model.

The model looks at each of the demo's photos once; the captures take turns with what it saw. They are written through
the domains' own services, as the watcher of cameras writes them.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track

from api.accounts import service as accounts
from api.accounts.schemas import EVERYWHERE
from api.app import open_service
from api.captures import service as captures
from api.context import Service
from api.database import now
from api.issues import service as issues
from api.pictures import jpeg, plain, rounded
from api.points import service as points
from api.points.schemas import PointFields
from api.review import service as review
from api.settings import Settings
from detector import Detector, Scene, Violation, judge, open_photo, shipped

POINTS = 100
SEED = 20261124
IN_ONE_WRITE = 200  # captures in one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the model sees on a photo."""

    outcome: captures.Outcome
    violations: list[Violation]
    width: int
    height: int


def look_at_photos(context: Service) -> list[Look]:
    """Let the shipped model look at the demo's photos once; the captures take turns with what it saw."""
    detector = Detector.load(context.settings.model_folder, threads=context.settings.model_threads)
    found = []
    for path in sorted(shipped("datasets/demo/photos").glob("*.jpg")):
        photo = open_photo(path.read_bytes(), name=path.name, at_least_px=detector.card.model.input_px)
        seen = detector.detect(photo)
        violations = judge(seen, Scene(), context.taxonomy, detector.card)
        outcome = captures.Outcome(
            model=detector.version,
            view_key=context.media.put(jpeg(photo.pixels), "jpg"),
            evidence_key=None,
            detections=[
                {"model_class": str(name), "confidence": round(float(sure), 4), "box": rounded(box.tolist())}
                for name, sure, box in zip(seen.data["class_name"], seen.confidence, seen.xyxy, strict=True)
            ],
            violations=[plain(one) for one in violations],
        )
        found.append(Look(outcome=outcome, violations=violations, width=photo.width, height=photo.height))
    return found


def fill(data_dir: Path, tasks: int, console: Console, **settings: str) -> None:
    """Write captures that were looked at and wait for reviewers, on a service that does not run yet."""
    context = open_service(Settings(data_dir=data_dir, **settings))
    looks, everything = look_at_photos(context), review.Sampling(confident=1, empty=1)
    numbering = issues.Numbering.of(context.settings, context.taxonomy)
    with context.database.write() as session:
        by = accounts.first_admin(session).id
        places = [
            points.create_point(session, _point(number), context.taxonomy, within=EVERYWHERE, by=None).id
            for number in range(min(POINTS, tasks))
        ]
    starts = range(0, tasks, IN_ONE_WRITE)
    for start in track(starts, f"{tasks} captures", console=console, disable=not console.is_terminal):
        with context.database.write() as session:
            for number in range(start, min(start + IN_ONE_WRITE, tasks)):
                look, place = looks[number % len(looks)], places[number % len(places)]
                watched = captures.Watched(
                    sha256=hashlib.sha256(f"{SEED} {number}".encode()).hexdigest(),
                    media_key=look.outcome.view_key,
                    byte_count=1,
                    filename=f"{number}.jpg",
                    width=look.width,
                    height=look.height,
                    taken_at=now(),
                    sent_by=by,
                )
                capture = captures.keep_watched(session, place, watched, look.outcome)
                where = issues.Seen(capture_id=capture.id, point_id=place, at=watched.taken_at)
                issues.record(session, where, look.violations, numbering)
                review.consider(session, capture, everything, context.taxonomy)
    context.database.close()


def _point(number: int) -> PointFields:
    return PointFields.model_validate(
        {"code": f"L-{number:03d}", "name": f"第{number + 1}点位", "category": "residential_estate",
         "community": "翠宁社区", "longitude": 114.14, "latitude": 22.56, "address": f"{number + 1}号"}
    )  # fmt: skip
