"""`python -m training.scenes.stills PLATES FOLDER`: pictures of a street as a camera gives them, for the demo's camera.

Laid together from plates like the clips: a car drives through, another stops for a moment, a street in between.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from training.scenes.clips import Clip, Plates, Shown, frame_of, passing
from training.scenes.exif import DESCRIPTION

APART_S = 4  # the demo's camera shows one every four seconds
STANDS = ("bins_clean", "parked_3")  # all the time


def street(steps: int) -> Clip:
    """Give half a minute in which nothing goes wrong: cars pass, one stops at the kerb for some seconds."""
    seconds = 8 * APART_S
    return Clip(
        name="demo",
        seconds=seconds,
        shown=[
            *(Shown(thing=one, since_s=0, until_s=seconds) for one in STANDS),
            *passing("lane", steps, 3),
            Shown(thing="parked_1", since_s=12, until_s=20),
            *passing("white", 3, 23),
        ],
    )


def main() -> None:
    """Write the pictures."""
    asked = argparse.ArgumentParser(prog="python -m training.scenes.stills", description=__doc__)
    asked.add_argument("plates", type=Path)
    asked.add_argument("folder", type=Path)
    given = asked.parse_args()
    plates = Plates(given.plates)
    clip = street(sum(1 for name in plates.boxes if name.startswith("lane_")))
    given.folder.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = DESCRIPTION
    for number, second in enumerate(range(0, clip.seconds, APART_S)):
        picture = np.asarray(frame_of(clip, plates, second))
        Image.fromarray(picture).save(given.folder / f"{number:02}.jpg", quality=80, exif=exif)


if __name__ == "__main__":
    main()
