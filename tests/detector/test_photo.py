"""Opening photos: what phones and cameras send is understood, whatever else arrives is refused in plain words."""

import hashlib
import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detector import open_photo
from detector.errors import PhotoEmpty, PhotoError, PhotoFormatRefused, PhotoTooLarge, PhotoUnreadable
from tests.detector.pictures import chunk, corner_colours, encoded, png_header, quarters, street

UPRIGHT = ["red", "green", "blue", "grey"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "MPO"])
def test_every_format_gives_the_same_picture(kind):
    photo = open_photo(encoded(kind=kind))

    assert UPRIGHT == corner_colours(photo.pixels)
    assert (48, 64, 3) == photo.pixels.shape
    assert np.uint8 == photo.pixels.dtype
    assert (64, 48, 1.0) == (photo.width, photo.height, photo.scale)


def test_pixels_are_blue_green_red(tmp_path):
    blue, green, red = open_photo(encoded(Image.new("RGB", (8, 8), (250, 100, 5)), "PNG")).pixels[4, 4]

    assert (5, 100, 250) == (blue, green, red)


def test_a_photo_knows_its_bytes_and_format():
    content = encoded()
    photo = open_photo(content)

    assert hashlib.sha256(content).hexdigest() == photo.sha256
    assert "JPEG" == photo.format


def test_a_progressive_jpeg_is_opened():
    assert UPRIGHT == corner_colours(open_photo(encoded(progressive=True)).pixels)


def test_a_grey_jpeg_has_three_equal_channels():
    pixels = open_photo(encoded(quarters().convert("L"))).pixels

    assert (pixels[:, :, 0] == pixels[:, :, 2]).all()


def test_a_cmyk_jpeg_is_not_inverted():
    # Pillow writes CMYK with Adobe's marker and inverted inks, as Photoshop does
    content = encoded(quarters().convert("CMYK"))

    assert b"Adobe" in content
    assert UPRIGHT == corner_colours(open_photo(content).pixels)


def test_what_is_transparent_is_white():
    clear = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    clear.paste((200, 0, 0, 255), (0, 0, 8, 16))
    pixels = open_photo(encoded(clear, "PNG")).pixels

    assert [255, 255, 255] == pixels[8, 12].tolist()
    assert [0, 0, 200] == pixels[8, 4].tolist()


def test_a_palette_picture_has_its_colours():
    assert UPRIGHT == corner_colours(open_photo(encoded(quarters().quantize(8), "PNG")).pixels)


def test_a_palette_picture_with_a_transparent_colour_is_white_there():
    picture = Image.new("P", (16, 16), 0)
    picture.putpalette([10, 20, 30, 200, 100, 50])
    pixels = open_photo(encoded(picture, "PNG", transparency=0)).pixels

    assert [255, 255, 255] == pixels[8, 8].tolist()


def test_sixteen_bit_grey_is_scaled_not_clipped():
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16)[None].repeat(8, axis=0)
    pixels = open_photo(encoded(Image.fromarray(ramp), "PNG")).pixels

    assert 127 <= int(pixels[4, 128, 0]) <= 129
    assert (0, 255) == (int(pixels[4, 0, 0]), int(pixels[4, 255, 0]))


def test_a_black_and_white_scan_is_opened():
    assert {0, 255} == set(np.unique(open_photo(encoded(quarters().convert("1"), "PNG")).pixels).tolist())


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_counts(kind):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ((10, 10, 200), (200, 10, 10), (10, 200, 10))]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    blue, green, red = open_photo(content).pixels[16, 16].tolist()

    assert blue > 180
    assert red < 40
    assert green < 40


def test_a_phones_heic_is_opened(heic):
    photo = open_photo(heic())

    assert "HEIF" == photo.format
    assert UPRIGHT == corner_colours(photo.pixels)


def test_a_file_is_read_by_its_path_whatever_its_suffix(tmp_path):
    path = tmp_path / "上传.dat"
    path.write_bytes(encoded())

    assert UPRIGHT == corner_colours(open_photo(path).pixels)


# --- reduced decoding


@pytest.mark.parametrize("at_least_px", [100, 160, 320, 416, 640, 1000, 1600, 5000])
@pytest.mark.parametrize("size", [(1600, 1200), (1201, 1601), (3001, 407)])
def test_a_big_jpeg_is_reduced_but_never_below_what_is_asked(size, at_least_px):
    photo = open_photo(encoded(street(*size)), at_least_px=at_least_px)
    long_side = max(photo.pixels.shape)

    assert min(at_least_px, max(size)) <= long_side
    assert long_side < 2 * at_least_px or long_side <= -(-max(size) // 8)
    assert size == (photo.width, photo.height)
    assert photo.pixels.shape[1] / photo.width == photo.scale


def test_a_reduced_cmyk_jpeg_keeps_its_colours():
    photo = open_photo(encoded(quarters(800, 600).convert("CMYK")), at_least_px=150)

    assert (150, 200, 3) == photo.pixels.shape
    assert UPRIGHT == corner_colours(photo.pixels)


def test_only_jpegs_are_reduced():
    assert (600, 800, 3) == open_photo(encoded(quarters(800, 600), "PNG"), at_least_px=100).pixels.shape


# --- refused


def test_an_empty_file_is_refused():
    with pytest.raises(PhotoEmpty, match="empty"):
        open_photo(b"")


def zip_bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 10_000_000)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"The heap stands at the corner.",
        "垃圾堆在路口。".encode(),
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect/></svg>',
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"P6 2 2 255\n" + b"\0" * 12,
        b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07builtin",
        b"\x00\x00\x00\x20ftypavif" + b"\0" * 64,
        b"\0",
        zip_bomb(),
    ],
    ids=["text", "中文", "pdf", "eps", "svg", "html", "ppm", "pickle", "avif", "nul", "zip bomb"],
)
def test_what_is_no_photo_is_refused_by_its_content(tmp_path, content):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)

    with pytest.raises(PhotoFormatRefused, match=r"photo\.jpg is not a picture in an accepted format"):
        open_photo(path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_picture_that_is_cut_off_is_refused(kind, share):
    content = encoded(street(320, 240), kind)

    with pytest.raises(PhotoError):
        open_photo(content[: int(len(content) * share)])


def test_a_heic_that_is_cut_off_is_refused(heic):
    content = heic(street(320, 240))

    with pytest.raises(PhotoError):
        open_photo(content[: len(content) // 2])


def test_a_picture_that_says_it_is_enormous_is_refused_before_it_is_decoded():
    with pytest.raises(PhotoTooLarge, match="pixels"):
        open_photo(png_header(50_000, 50_000))


def test_a_picture_over_the_limit_is_refused_with_the_limit():
    with pytest.raises(PhotoTooLarge, match=r"10000×8000 pixels \(80 megapixels\); the limit is 64 megapixels"):
        open_photo(png_header(10_000, 8_000), name="wall.png")


def test_a_picture_without_pixels_is_refused():
    with pytest.raises(PhotoError):
        open_photo(png_header(0, 10))


def test_a_file_with_too_many_bytes_is_refused(tmp_path):
    path = tmp_path / "large.jpg"
    path.write_bytes(encoded() + b"\0" * 2_000_000)

    with pytest.raises(PhotoTooLarge, match=r"large\.jpg is larger than 1 MiB"):
        open_photo(path, max_bytes=1024 * 1024)


def test_a_path_that_does_not_exist_is_refused_with_its_name():
    with pytest.raises(PhotoUnreadable, match=r"gone\.jpg cannot be read: No such file"):
        open_photo(Path("gone.jpg"))


def test_a_folder_is_no_photo(tmp_path):
    with pytest.raises(PhotoUnreadable, match="cannot be read"):
        open_photo(tmp_path)


def test_samples_in_floating_point_are_refused():
    content = encoded(Image.fromarray(np.full((8, 8), 0.5, dtype=np.float32)), "TIFF")

    with pytest.raises(PhotoFormatRefused, match="floating-point"):
        open_photo(content, name="depth.tif")


def test_a_png_whose_text_unpacks_to_much_is_refused():
    text = zlib.compress(b"\0" * 80_000_000)
    whole = encoded(kind="PNG")
    bomb = whole[:33] + chunk(b"zTXt", b"Comment\0\0" + text) + whole[33:]

    with pytest.raises(PhotoError):
        open_photo(bomb)


def test_an_error_names_the_photo_for_the_log():
    with pytest.raises(PhotoError) as caught:
        open_photo(b"no", name="P07-1.jpg")

    assert {"name": "P07-1.jpg"} == caught.value.facts


def test_a_bmp_with_a_lying_header_is_refused():
    content = bytearray(encoded(kind="BMP"))
    content[18:26] = struct.pack("<ii", 5000, -5000)

    with pytest.raises(PhotoError):
        open_photo(bytes(content))


def test_a_jpeg_of_endless_scans_is_refused_before_it_is_decoded():
    plain = io.BytesIO()
    Image.new("L", (64, 64), 128).save(plain, "JPEG", progressive=True)
    content = plain.getvalue()
    scan = content.rindex(b"\xff\xda")
    many = content[:scan] + content[scan:-2] * 200 + content[-2:]

    with pytest.raises(PhotoError, match="more than 100 scans"):
        open_photo(many)


def test_a_progressive_jpeg_with_a_film_behind_it_is_a_photo():
    plain = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(plain, "JPEG", progressive=True)

    assert 64 == open_photo(plain.getvalue() + b"\xff\xda\x00\x02" * 500).width


def test_the_end_of_time_is_no_time():
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: "9999:12:31 23:59:59", 0x9011: "-08:00"})
    photo = io.BytesIO()
    Image.new("RGB", (8, 8)).save(photo, "JPEG", exif=exif)

    assert open_photo(photo.getvalue()).taken_at is None
