"""Points on a plain graticule: from degrees to per cent of a drawing. Pure; needs no map and no network."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

METRES_PER_DEGREE = 111_195.0  # of latitude, mean sphere (IUGG radius 6,371,008.8 m)
MARGIN = 0.07  # of the drawing, so that no dot lies on its edge
LEAST_EXTENT_M = 300.0  # a single point still gets a neighbourhood
FLATTEST, STEEPEST = 1.9, 0.85  # width to height
STEPS_DEG = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 45.0, 90.0)
SCALES_M = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 500_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A meridian or a parallel."""

    at: float  #: per cent from the left or from the top
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing of positions, north up; everything in per cent of its width or height."""

    ratio: float  #: width to height
    places: list[tuple[float, float]]  #: from the left and from the top, in the order given
    meridians: list[Line]
    parallels: list[Line]
    scale_m: int  #: length of the scale bar over ground
    scale_percent: float  #: and of the drawing's width


def draw_chart(positions: Sequence[tuple[float, float]]) -> Chart:
    """Draw (longitude, latitude) positions in degrees, true to scale; for a city, not across the 180th meridian."""
    longitudes, latitudes = [lon for lon, _ in positions] or [0.0], [lat for _, lat in positions] or [0.0]
    west, east, south, north = min(longitudes), max(longitudes), min(latitudes), max(latitudes)
    centre_lon, centre_lat = (west + east) / 2, (south + north) / 2
    shrink = max(0.05, math.cos(math.radians(centre_lat)))  # a degree of longitude is shorter away from the equator
    width_m = max((east - west) * METRES_PER_DEGREE * shrink, LEAST_EXTENT_M) / (1 - 2 * MARGIN)
    height_m = max((north - south) * METRES_PER_DEGREE, LEAST_EXTENT_M) / (1 - 2 * MARGIN)
    width_m, height_m = max(width_m, height_m * STEEPEST), max(height_m, width_m / FLATTEST)
    half_lon, half_lat = width_m / METRES_PER_DEGREE / shrink / 2, height_m / METRES_PER_DEGREE / 2

    def across(lon: float) -> float:
        return round((lon - centre_lon + half_lon) / (2 * half_lon) * 100, 3)

    def down(lat: float) -> float:
        return round((centre_lat + half_lat - lat) / (2 * half_lat) * 100, 3)

    step = next((one for one in STEPS_DEG if 2 * half_lon / one <= 5), STEPS_DEG[-1])
    scale_m = max((one for one in SCALES_M if one <= width_m / 4), default=SCALES_M[0])
    return Chart(
        ratio=round(width_m / height_m, 4),
        places=[(across(lon), down(lat)) for lon, lat in positions],
        meridians=[Line(at=across(lon), label=_degrees(lon, step)) for lon in _multiples(centre_lon, half_lon, step)],
        parallels=[Line(at=down(lat), label=_degrees(lat, step)) for lat in _multiples(centre_lat, half_lat, step)],
        scale_m=scale_m,
        scale_percent=round(scale_m / width_m * 100, 3),
    )


def _multiples(centre: float, half: float, step: float) -> list[float]:
    """Give the multiples of `step` within `half` of the centre."""
    first, last = math.ceil((centre - half) / step), math.floor((centre + half) / step)
    return [round(number * step, 6) for number in range(first, last + 1)]


def _degrees(value: float, step: float) -> str:
    """Write degrees with as many decimals as the step has."""
    decimals = max(0, -math.floor(math.log10(step)))
    return f"{value:.{decimals}f}°"
