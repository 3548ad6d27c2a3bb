"""What a camera gives: a picture with its stream time."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One picture of a camera or a recording. `Detector.detect` takes it as it takes a photo."""

    pixels: npt.NDArray[np.uint8]  #: (H, W, 3) uint8 BGR, perhaps smaller than the stream's own picture
    width: int  #: of the stream's picture, pixels; boxes are in these
    height: int  #: of the stream's picture, pixels
    at_s: float  #: stream time, seconds since the first frame; never goes back, reconnects included
    taken_at: datetime | None = None  #: the wall's time, with a zone; None for a recording of which nobody said when
    connection: int = 0  #: counts the times the stream was opened anew before this frame
    stamp_s: float | None = (
        None  #: what it carried, seconds by the camera's own counting; None where it carried nothing
    )
    camera_at: datetime | None = None  #: the camera's own clock, if it tells; may be years off
