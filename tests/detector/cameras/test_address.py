"""Which addresses are taken, and that no password is ever shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.cameras.address import parse_address, redact
from detector.errors import SourceRefused


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-i",
        "-rtsp://camera/1",
        "file:///etc/passwd",
        "file:clip.mp4",
        "concat:rtsp://a/1|rtsp://b/1",
        "exec:ls",
        "pipe:0",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "crypto+rtsp://camera/1",
        "rtmp://camera/1",
        "http,key,1:http://camera/",
        "rtsp://",
        "rtsp:///street",
        "rtsp://camera:99999/1",
        "rtsp://camera:0/1",
        "rtsp://camera/a b",
        "rtsp://camera/1\r\nTEARDOWN rtsp://camera/1 RTSP/1.0",
        "rtsp://camera/\x00",
        "rtsp://[::1/1",
        "rtsp://camera/街",
        "rtsp://camera/1#part",
        "rtsp://camera/" + "a" * 3000,
    ],
)
def test_what_is_no_cameras_address_is_refused(text):
    with pytest.raises(SourceRefused):
        parse_address(text)


def test_an_address_is_shown_without_its_credentials():
    address = parse_address("RTSP://admin:pa:ss%40@192.0.2.7:554/Streaming/101?token=abc&channel=1")

    assert "rtsp://***@192.0.2.7:554/Streaming/101?token=***&channel=1" == str(address) == address.shown
    assert ("admin", "pa:ss@") == address.credentials
    assert "pa:ss" not in repr(address)
    assert "192.0.2.7" == address.host


@given(
    user=st.text(min_size=1, max_size=12),
    password=st.text(min_size=4, max_size=24).filter(lambda word: word not in "rtsp://camera/street ***@ no route to"),
)
def test_no_password_survives_in_what_is_shown(user, password):
    address = parse_address("rtsp://camera/street", user=user, password=password)
    said = address.redact(f"no route to {address.url} ({password})")

    assert (user, password) == address.credentials
    assert password not in address.shown.removeprefix("rtsp://").removesuffix("camera/street")
    assert password not in said.replace("no route to rtsp://***@camera/street (", "")


def test_a_url_in_any_text_loses_its_credentials():
    assert "tried rtsp://***@h/1, http://***@h/2" == redact("tried rtsp://a:b@h/1, http://c@h/2")
    assert "rtsp://***@h/1" == redact("rtsp://a:b@c@h/1")
