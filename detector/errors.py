"""What can go wrong between a file and its violations, told so that the sender can mend it.

This is the detector's own small tree; the service translates it at one door (`api/errors.py`).

    DetectorError
    ├── PhotoError            the bytes are not a picture we take
    │   ├── PhotoEmpty
    │   ├── PhotoFormatRefused
    │   ├── PhotoTooLarge
    │   └── PhotoUnreadable
    ├── CameraError           a camera or a recording that cannot be watched
    │   ├── SourceRefused     an address, file or folder that is not taken at all
    │   ├── CameraLocked      user name or password
    │   ├── CameraUnreachable nobody answers there, or not with a picture
    │   ├── CameraStalled     it answered and then went silent
    │   └── StreamUnreadable  what comes is no video that can be decoded
    ├── ZonesRefused          a file of zones that cannot be meant
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


class CameraError(DetectorError):
    """The camera or the recording cannot be watched. Its password never stands in the message."""


class SourceRefused(CameraError):
    """The address, file or folder is not taken as a source of pictures."""


class CameraLocked(CameraError):
    """The camera does not let us in. Check the user name and the password."""


class CameraUnreachable(CameraError):
    """The camera does not answer. Check its address, its power and the network between."""


class CameraStalled(CameraError):
    """The camera answered and then went silent."""


class StreamUnreadable(CameraError):
    """What the camera or the file gives is no video that can be decoded."""


class ZonesRefused(DetectorError):
    """The file of zones cannot be read, or says what cannot be meant."""


class ModelRefused(DetectorError):
    """The model artifact may not be loaded."""


class NetworkMissing(DetectorError):
    """A network that finds what to blur is not installed."""


class TaxonomyRefused(DetectorError):
    """The taxonomy contradicts itself or names what does not exist."""
