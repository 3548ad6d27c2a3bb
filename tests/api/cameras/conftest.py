"""The real RTSP server of the detector's tests, for the service's."""

from tests.detector.cameras.conftest import gstreamer, serve

__all__ = ["gstreamer", "serve"]
