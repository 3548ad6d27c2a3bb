"""A real RTSP server for tests, run by the system's Python: `python3 rtsp_server.py '{"/cam": {"file": …}}' [PORT]`.

Each path of the JSON object is a camera: `file` (MP4 with H.264), and perhaps `user` and `password` (then all of them
must have some), `stamp` (the first RTP time stamp, 32 bits) and `shared` (who comes later joins in the middle, and one
reading of the file serves all). Prints the port it listens on.
"""

import json
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402


def main() -> None:
    Gst.init(None)
    cameras = json.loads(sys.argv[1])
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(sys.argv[2] if len(sys.argv) > 2 else "0")
    mounts, auth = server.get_mount_points(), GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    for path, camera in cameras.items():
        factory = GstRtspServer.RTSPMediaFactory()
        stamp = f"timestamp-offset={camera['stamp']}" if "stamp" in camera else ""
        factory.set_launch(
            f"( filesrc location={camera['file']} ! qtdemux ! h264parse config-interval=-1 ! "
            f"rtph264pay name=pay0 pt=96 {stamp} )"
        )
        factory.set_shared(camera.get("shared", False))
        if "user" in camera:
            permissions, token = GstRtspServer.RTSPPermissions(), GstRtspServer.RTSPToken()
            for may in ("media.factory.access", "media.factory.construct"):
                permissions.add_permission_for_role(camera["user"], may, True)
            factory.set_permissions(permissions)
            token.set_string("media.factory.role", camera["user"])
            auth.add_digest(camera["user"], camera["password"], token)
        mounts.add_factory(path, factory)
    if any("user" in camera for camera in cameras.values()):
        server.set_auth(auth)
    server.attach(None)
    sys.stdout.write(f"{server.get_bound_port()}\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


main()
