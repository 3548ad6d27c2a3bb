"""What can go wrong between a file and its violations, told so that the sender can mend it.

This is the detector's own small tree; the service translates it at one door (`api/errors.py`).

    DetectorError
    ├── PhotoError            the bytes are not a picture we take
    │   ├── PhotoEmpty
    │   ├── PhotoFormatRefused
    │   ├── PhotoTooLarge
    │   └── PhotoUnreadable
    ├── ModelRefused          an artifact that may not be loaded
    ├── NetworkMissing        what finds faces and plates is not installed
    └── TaxonomyRefused       a catalogue that contradicts itself
"""

import inspect


class DetectorError(Exception):
    """The detector could not do what was asked."""

    def __init__(self, message: str = "", **facts: object) -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or ""))
        self.facts = facts


class PhotoError(DetectorError):
    """The bytes are not a picture that can be looked at."""


class PhotoEmpty(PhotoError):
    """The file is empty. Send the photo again; the upload may have been cut off."""


class PhotoFormatRefused(PhotoError):
    """The file is not a picture in a format that is accepted (JPEG, PNG, WebP, HEIC, BMP, TIFF, GIF)."""


class PhotoTooLarge(PhotoError):
    """The picture has more pixels or bytes than the limit allows."""


class PhotoUnreadable(PhotoError):
    """The picture is damaged or cut off: its pixels cannot be decoded. Send the original file again."""


class ModelRefused(DetectorError):
    """The model artifact may not be loaded."""


class NetworkMissing(DetectorError):
    """A network that finds what to blur is not installed."""


class TaxonomyRefused(DetectorError):
    """The taxonomy contradicts itself or names what does not exist."""
