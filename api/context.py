"""What every route works with, made once by `build_app` and handed in; nothing here is global."""

from dataclasses import dataclass, field
from typing import Annotated

import anyio
from fastapi import Depends
from starlette.requests import HTTPConnection

from api.clocks.hours import OfficeHours
from api.clocks.limits import ClockRules
from api.database import Database
from api.links import Links
from api.media import Media
from api.pulse import Pulse
from api.sealing import Sealer
from api.settings import Settings
from detector.card import Card
from detector.live import LiveModel
from detector.taxonomy import Taxonomy

OPENED_AT_ONCE = 2  # a PNG of 64 megapixels with transparency takes 1.4 GB for a moment
WRITTEN_AT_ONCE = 2  # a bulletin with pictures takes a second of a processor

PROVED_AT_ONCE = 2
PROBED_AT_ONCE = 2  # each holds a connection to a camera for some seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The parts of a running service."""

    settings: Settings
    database: Database
    media: Media
    taxonomy: Taxonomy
    office: OfficeHours
    clocks: ClockRules  #: limits, calendar and hours together
    model: LiveModel[Card]  #: the card of the model in force
    sealer: Sealer
    links: Links  #: to pictures, for people who are signed in to Label Studio only
    #: photos opened side by side in the web process; each may hold its bytes and a decoder
    opening: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(OPENED_AT_ONCE))
    #: passwords proved side by side; each takes 19 MiB and tens of milliseconds of a core
    proving: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(PROVED_AT_ONCE))

    #: cameras tried out side by side
    probing: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(PROBED_AT_ONCE))

    #: documents written side by side in the web process
    writing: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(WRITTEN_AT_ONCE))

    #: whether anything has changed, for the pages of this process
    pulse: Pulse = field(default_factory=Pulse)

    @property
    def card(self) -> Card:
        """Give the card of the model in force now."""
        return self.model.current()


def of_request(connection: HTTPConnection) -> Service:
    """Give the service that a request has reached."""
    service: Service = connection.app.state.service
    return service


Context = Annotated[Service, Depends(of_request)]
