"""`/metrics`: what the service and each camera do, as Prometheus reads it. Everything is read from the tables.

Names of cameras and how much goes wrong are nobody else's business: the permission `view_metrics` opens it, for
example to a key made by `pointwatch keys make prometheus --role supervisor`, which Prometheus sends as a bearer token.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import EVERYWHERE, Caller
from api.cameras import service as cameras
from api.cameras import status, stays, views
from api.cameras.schemas import CameraView, State
from api.captures import service as captures
from api.context import Context, Service
from api.issues import service as issues

router = Router(tags=["metrics"])

_GAUGES = {  # field of `Figures` -> name, what it is
    "fps_in": ("fps", "Pictures a second that arrive"),
    "lag_s": ("lag_seconds", "From a picture's arrival to its being judged"),
    "lasting": ("events_lasting", "Events that have begun and not ended"),
}
_COUNTERS = {
    "bytes_in": ("received_bytes", "Received of the stream since the watch began"),
    "frames_in": ("frames", "Pictures decoded"),
    "analysed": ("analysed", "Pictures taken up"),
    "looked": ("looked", "Pictures shown to the model"),
    "dropped": ("dropped", "Pictures that a newer one replaced"),
    "damaged": ("damaged", "Packets that could not be decoded"),
    "errors": ("errors", "Times the source failed"),
    "reconnects": ("reconnects", "Times it was opened anew"),
    "clock_repairs": ("clock_repairs", "Time stamps that jumped, wrapped or were missing"),
}


class _Office(Collector):
    """The figures of one moment."""

    def __init__(self, session: Session, context: Service) -> None:
        self._session, self._context = session, context

    def collect(self) -> Iterator[Metric]:
        """Give them all."""
        session = self._session
        queue = GaugeMetricFamily("pointwatch_captures", "Captures by status", labels=["status"])
        for kind, count in captures.count_by_status(session, within=EVERYWHERE).items():
            queue.add_metric([kind], count)
        yield queue
        stand = GaugeMetricFamily("pointwatch_issues", "Issues by state", labels=["state"])
        for state, count in issues.summarise(session, self._context.taxonomy, within=EVERYWHERE)["by_state"].items():
            stand.add_metric([state], count)
        yield stand
        rows = cameras.to_watch(session)
        yield from _of_cameras(views.camera_views(session, rows))
        watched = GaugeMetricFamily("pointwatch_camera_watch_up", "A process watches the cameras")
        watched.add_metric([], status.is_watched(session))
        yield watched
        clips = GaugeMetricFamily("pointwatch_camera_clips_bytes", "Room that the clips of events take")
        clips.add_metric([], stays.clips_kept(session))
        yield clips


def _of_cameras(found: list[CameraView]) -> Iterator[Metric]:
    up = GaugeMetricFamily("pointwatch_camera_up", "1: pictures come and are judged", labels=["camera"])
    last = GaugeMetricFamily(
        "pointwatch_camera_last_frame_timestamp_seconds", "When the last picture came", labels=["camera"]
    )
    for one in found:
        up.add_metric([one.code], one.state is State.online and one.watched)
        if isinstance(one.figures.last_frame_at, datetime):
            last.add_metric([one.code], one.figures.last_frame_at.timestamp())
    yield up
    yield last
    for made, kind in ((_GAUGES, GaugeMetricFamily), (_COUNTERS, CounterMetricFamily)):
        for field, (name, words) in made.items():
            family = kind(f"pointwatch_camera_{name}", words, labels=["camera"])
            for one in found:
                value = getattr(one.figures, field)
                if value is not None:
                    family.add_metric([one.code], value)
            yield family


@router.get("/metrics", summary="Figures of the service and its cameras for Prometheus", response_class=Response)
def metrics(context: Context, _: Annotated[Caller, Depends(allow(Permission.view_metrics))]) -> Response:
    registry = CollectorRegistry(auto_describe=False)
    with context.database.read() as session:
        registry.register(_Office(session, context))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
