"""Files, folders and snapshots: the twins of a live camera, and what may not be opened."""

import base64
import http.server
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import cv2
import httpx
import pytest

from detector.cameras.address import parse_address
from detector.cameras.source import Loop, Recording, Snapshots, Stills, Stream, frames
from detector.errors import CameraError, CameraLocked, CameraUnreachable, SourceRefused, StreamUnreadable
from tests.detector.cameras.clips import picture, second_of, write_clip
from tests.detector.pictures import encoded, exif, street


def seconds(path, every_s=0.0):
    return [(round(one.at_s, 2), second_of(one.pixels)) for one in frames(Recording(path=path), every_s=every_s)]


@pytest.mark.parametrize("name", ["walk.mp4", "walk.mkv", "walk.ts", "walk.avi"])
def test_key_frames_of_a_recording_come_with_their_times(tmp_path, name):
    path = write_clip(tmp_path / name, seconds=6)

    assert [(float(at), at) for at in range(6)] == seconds(path)


def test_pictures_closer_together_than_wanted_are_not_decoded(tmp_path):
    path = write_clip(tmp_path / "walk.mp4", seconds=9, key_every=5)

    assert [(0.0, 0), (3.0, 3), (6.0, 6)] == seconds(path, every_s=3.0)


def test_a_recording_with_one_key_frame_is_read_frame_by_frame(tmp_path):
    path = write_clip(tmp_path / "walk.mp4", seconds=15, key_every=1000)

    seen = seconds(path, every_s=1.0)

    assert (0.0, 0) == seen[0]
    assert all(6.0 < at <= 15 and int(at) == second for at, second in seen[1:])
    assert 8 <= len(seen)


def test_33_bits_that_run_over_go_on(tmp_path):
    path = write_clip(tmp_path / "walk.ts", seconds=6, stamps_from=2**33 - 3 * 90_000)

    assert [(float(at), at) for at in range(6)] == seconds(path)


@pytest.mark.parametrize("leap_s", [4000, -2])
def test_a_leap_in_the_stamps_is_bridged(tmp_path, leap_s):
    parts = [
        write_clip(tmp_path / "1.ts", seconds=4),
        write_clip(tmp_path / "2.ts", seconds=4, stamps_from=leap_s * 90_000 + 4 * 90_000),
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(one.read_bytes() for one in parts))

    times = [at for at, _ in seconds(path)]

    assert times == sorted(times)
    assert 6.0 <= times[-1] <= 9.0


def test_a_resolution_that_changes_in_the_middle_is_followed(tmp_path):
    first = write_clip(tmp_path / "1.ts", seconds=3)
    second = write_clip(tmp_path / "2.ts", seconds=3, size=(640, 480), stamps_from=3 * 90_000)
    path = tmp_path / "both.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())

    sizes = [(one.width, one.height) for one in frames(Recording(path=path), every_s=0)]

    assert (320, 240) == sizes[0]
    assert (640, 480) == sizes[-1]


def test_a_recording_knows_the_time_of_day_if_somebody_says_when_it_began(tmp_path):
    began_at = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    path = write_clip(tmp_path / "walk.mp4", seconds=3)

    seen = list(frames(Recording(path=path, began_at=began_at), every_s=0))

    assert began_at + timedelta(seconds=2) == seen[-1].taken_at


def test_a_big_picture_is_made_smaller_and_says_so(tmp_path):
    path = write_clip(tmp_path / "walk.mp4", seconds=1, size=(2560, 1440), fps=2)

    seen = next(frames(Recording(path=path)))

    assert ((1080, 1920, 3), 2560, 1440) == (seen.pixels.shape, seen.width, seen.height)


@pytest.mark.parametrize("content", [b"", b"no video at all " * 400, b"\x00\x00\x00\x18ftypmp42" + b"\xff" * 900])
def test_a_file_that_is_no_video_is_refused_in_words(tmp_path, content):
    path = tmp_path / "street.mp4"
    path.write_bytes(content)

    with pytest.raises(CameraError, match="no video"):
        list(frames(Recording(path=path)))


@pytest.mark.parametrize(
    "content",
    [
        "ffconcat version 1.0\nfile '{secret}'\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    ],
)
def test_a_file_that_names_other_sources_opens_none_of_them(tmp_path, content):
    secret = write_clip(tmp_path / "secret.ts", seconds=2)
    path = tmp_path / "list.mp4"
    path.write_text(content.format(secret=secret))

    with pytest.raises(StreamUnreadable):
        list(frames(Recording(path=path)))


def test_a_truncated_recording_gives_what_is_there(tmp_path):
    path = write_clip(tmp_path / "walk.ts", seconds=6)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    assert 2 <= len(seconds(path)) <= 4


def test_stills_come_in_the_order_of_their_own_times(tmp_path):
    for name, second in (("b_20261123-080000.jpg", 0), ("a_20261123-080010.jpg", 10)):
        (tmp_path / name).write_bytes(encoded(street(64, 48, second)))
    seen = list(frames(Stills(folder=tmp_path, apart_s=5.0)))

    assert [0.0, 5.0] == [one.at_s for one in seen]
    with pytest.raises(SourceRefused, match="holds no pictures"):
        list(frames(Stills(folder=tmp_path / "..")))


def test_a_still_without_a_time_asks_how_far_apart_they_are(tmp_path):
    (tmp_path / "1.jpg").write_bytes(encoded(street(64, 48), exif=exif(taken="2026:11:23 08:00:00")))
    (tmp_path / "2.jpg").write_bytes(encoded(street(64, 48), exif=exif(taken="2026:11:23 08:00:07")))
    seen = list(frames(Stills(folder=tmp_path)))
    (tmp_path / "3.jpg").write_bytes(encoded(street(64, 48)))

    assert [0.0, 7.0] == [one.at_s for one in seen]
    with pytest.raises(SourceRefused, match="how many seconds"):
        list(frames(Stills(folder=tmp_path)))


class _Camera(http.server.BaseHTTPRequestHandler):
    """A camera that speaks HTTP: a snapshot, MJPEG, HLS, and things that no camera should do."""

    protocol_version = "HTTP/1.1"
    folder = None

    def log_message(self, *_):
        pass

    def do_GET(self):
        asked = self.path.split("?")[0]
        getattr(self, "give_" + asked.strip("/").split(".")[0].split("/")[0], self.give_file)()

    def _answer(self, content, kind="image/jpeg", status=200, **headers):
        self.send_response(status)
        for name, value in ({"content-type": kind, "content-length": str(len(content))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def give_snapshot(self):
        self._answer(encoded(street(64, 48)))

    def give_basic(self):
        wanted = "Basic " + base64.b64encode(b"admin:p@ss word").decode()
        if self.headers.get("authorization") == wanted:
            self._answer(encoded(street(64, 48)))
        else:
            self._answer(b"", status=401, www_authenticate='Basic realm="camera"')

    def give_digest(self):
        if self.headers.get("authorization", "").startswith('Digest username="admin"'):
            self._answer(encoded(street(64, 48)))
        else:
            self._answer(b"", status=401, www_authenticate='Digest realm="camera", nonce="abc", qop="auth"')

    def give_away(self):
        self._answer(b"", status=302, location="/snapshot")

    def give_page(self):
        self._answer(b"<html>sign in</html>", kind="text/html")

    def give_mjpeg(self):
        self.send_response(200)
        self.send_header("content-type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        from PIL import Image

        for second in range(12):
            content = encoded(Image.fromarray(picture(second, 320, 240)[:, :, ::-1]))
            self.wfile.write(b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(content))
            self.wfile.write(content + b"\r\n")
            time.sleep(0.25)

    def give_file(self):
        path = self.folder / self.path.split("?")[0].strip("/")
        if path.is_file():
            self._answer(path.read_bytes(), kind="application/octet-stream")
        else:
            self._answer(b"", status=404)


@pytest.fixture
def web(tmp_path):
    handler = type("Camera", (_Camera,), {"folder": tmp_path})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def snapshots(url, **credentials):
    return Snapshots(address=parse_address(url, **credentials), patience_s=3.0)


def test_snapshots_come_on_schedule_in_the_time_that_passed(web):
    seen = list(islice(frames(snapshots(f"{web}/snapshot"), every_s=0.3), 3))

    assert (48, 64, 3) == seen[0].pixels.shape
    assert 0.0 == seen[0].at_s
    assert 0.55 <= seen[-1].at_s <= 2.0


@pytest.mark.parametrize("way", ["basic", "digest"])
def test_snapshots_answer_the_challenge_that_the_camera_sets(web, way):
    seen = next(frames(snapshots(f"{web}/{way}", user="admin", password="p@ss word")))

    assert 64 == seen.width
    with pytest.raises(CameraLocked) as refusal:
        next(frames(snapshots(f"{web}/{way}", user="nobody", password="s3cret")))
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("path", "kind"), [("away", CameraUnreachable), ("page", StreamUnreadable), ("no", CameraUnreachable)]
)
def test_what_is_no_snapshot_is_said_in_words(web, path, kind):
    with pytest.raises(kind):
        next(frames(snapshots(f"{web}/{path}")))


def test_mjpeg_is_timed_by_when_its_pictures_come(web):
    seen = list(islice(frames(Stream(address=parse_address(f"{web}/mjpeg"), stall_s=3.0), every_s=0.0), 9))

    assert 0.15 <= (seen[-1].at_s - seen[1].at_s) / (len(seen) - 2) <= 0.6  # FFmpeg would say 0.04


def test_hls_is_read_and_leads_nowhere_else(web, tmp_path):
    write_clip(tmp_path / "1.ts", seconds=4)
    playlist = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{part}\n#EXT-X-ENDLIST\n"
    (tmp_path / "good.m3u8").write_text(playlist.format(part="1.ts"))
    (tmp_path / "bad.m3u8").write_text(playlist.format(part=f"file://{tmp_path}/1.ts"))
    address = parse_address(f"{web}/good.m3u8")

    assert 4 == len(list(frames(Stream(address=address, stall_s=3.0, open_s=5.0), every_s=0.0)))
    with pytest.raises(CameraError):
        list(frames(Stream(address=parse_address(f"{web}/bad.m3u8"), stall_s=3.0, open_s=3.0), every_s=0.0))


def test_a_url_is_sent_without_its_credentials(web):
    assert "http://h/x?a=1" == parse_address("http://h/x?a=1", user="u", password="p").bare_url
    assert httpx.get(f"{web}/snapshot", trust_env=False).status_code == 200


@pytest.mark.parametrize(
    ("key_every", "every_s", "apart"), [(20, 4.0, 4.0), (30, 4.0, 3.0), (10, 4.0, 4.0), (50, 4.0, 5.0)]
)
def test_pictures_come_no_more_than_a_quarter_later_than_wanted(tmp_path, key_every, every_s, apart):
    path = write_clip(tmp_path / "walk.mp4", seconds=21, key_every=key_every)

    times = [at for at, _ in seconds(path, every_s=every_s)]

    assert {apart} == {round(after - one, 1) for one, after in pairwise(times)}


def test_a_folder_is_shown_again_and_again_as_of_now(tmp_path):
    for second in range(3):
        cv2.imwrite(str(tmp_path / f"{second}.png"), picture(second, 320, 240))
    (tmp_path / "1a.jpg").write_bytes(b"cut off")
    seen = list(islice(frames(Loop(folder=tmp_path), every_s=0.1), 7))

    assert [0, 1, 2, 0, 1, 2, 0] == [second_of(one.pixels) for one in seen]
    assert 0.55 <= seen[-1].at_s <= 2.0
    assert 0.55 <= (seen[-1].taken_at - seen[0].taken_at).total_seconds() <= 2.0


@pytest.mark.parametrize("there", [[], ["cut_off.jpg"]])
def test_a_folder_without_a_picture_is_said_in_words(tmp_path, there):
    for name in there:
        (tmp_path / name).write_bytes(b"cut off")

    with pytest.raises(SourceRefused, match="no picture"):
        next(frames(Loop(folder=tmp_path)))
