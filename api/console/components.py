"""Our own Vue components in plain JavaScript, where redrawing must keep scroll, focus and loaded pictures."""

from typing import Any

from nicegui.element import Element


class _Component(Element):
    """Takes everything it shows as data; Vue escapes it."""

    def __init__(self, **data: Any) -> None:
        super().__init__()
        self.show(**data)

    def show(self, **data: Any) -> None:
        """Show other data; what is as it was causes no redrawing."""
        changed = {name: value for name, value in data.items() if name not in self.props or self.props[name] != value}
        for name, value in changed.items():
            self.props[name] = value
        if changed:
            self.update()


class Overview(_Component, component="assets/overview.js"):
    """Counts, bars and days of the whole office."""


class TourOffer(_Component, component="assets/tour_offer.js"):
    """Offers the tour of the pages to whoever has neither taken nor refused it."""


class IssueTable(_Component, component="assets/issue_table.js"):
    """The issues as a table that asks the API itself; emits `selected` with numbers and `act` with an action."""


class PointPlan(_Component, component="assets/point_plan.js"):
    """Points on a graticule; emits `choose` with a point's code."""


class PointList(_Component, component="assets/point_list.js"):
    """Points as a list of links, the worst first."""


class Evidence(_Component, component="assets/evidence.js"):
    """The pictures of an issue, with boxes to be switched on and off."""


class Compare(_Component, component="assets/compare.js"):
    """Two pictures of one place, one over the other, with a slider between them."""


class Uploader(_Component, component="assets/uploader.js"):
    """Sends photos to the API, one request each, and shows what became of them."""


class Reporter(_Component, component="assets/reporter.js"):
    """A form for what a person saw; sends photos and report to the API."""


class CaptureList(_Component, component="assets/capture_list.js"):
    """Photos that came in; emits `choose` with a status, `more`, `again` with an id, and `again_all`."""


class AfterPhotos(_Component, component="assets/after_photos.js"):
    """The photos that show an issue put right; emits `sent` when more were taken."""


class Reviewer(_Component, component="assets/reviewer.js"):
    """One doubtful picture after another, judged with the keyboard; talks to the API itself."""


class Register(_Component, component="assets/register.js"):
    """A register as a table to search, narrow and order; emits `open` with a row's key."""


class SheetImport(_Component, component="assets/sheet_import.js"):
    """Sends a CSV or XLSX to the API and shows each wrong row; emits `taken` when all of it was."""


class CameraWall(_Component, component="assets/camera_wall.js"):
    """All cameras with what they see now, and the form that adds one; talks to the API itself."""


class ZoneEditor(_Component, component="assets/zone_editor.js"):
    """One camera: its zones drawn on its picture, and what it reported; talks to the API itself."""
