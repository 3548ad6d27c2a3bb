"""From the renderer's linear light to a JPEG that looks as if a phone had taken it. Pure: numpy and Pillow only."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Pixels = NDArray[np.float32]


def expose(linear: Pixels, rng: np.random.Generator, stops: float = 0.0) -> Pixels:
    """Scale linear light (H, W, 3) as a camera's light meter would, give or take a third of a stop, plus `stops`.

    The meter weighs the lower two thirds of the picture more, where the street is.
    """
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    weight = np.ones(luminance.shape[0], np.float32)
    weight[: luminance.shape[0] // 3] = 0.45
    mean = np.exp(np.average(np.log(luminance + 1e-3).mean(axis=1), weights=weight))
    highlight = max(np.percentile(luminance, 97), 1e-3)
    gain = min(0.235 / mean, 4.2 / highlight)  # 0.235: phones lift the classic 18 % grey; highlights may clip a little
    return (linear * gain * 2 ** (stops + rng.normal(0, 0.22))).astype(np.float32)


def tone(linear: Pixels, contrast: float) -> Pixels:
    """Map exposed linear light to display values 0..1 (sRGB) with a soft shoulder.

    Source: the rational fit of the ACES curve by K. Narkowicz (2016), which holds whites back as phones do.
    """
    x = np.maximum(linear, 0) * 0.62
    curved = x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)
    display = np.where(curved <= 0.0031308, 12.92 * curved, 1.055 * np.maximum(curved, 1e-6) ** (1 / 2.4) - 0.055)
    return (0.5 + (np.clip(display, 0, 1) - 0.5) * contrast).astype(np.float32)


def as_camera(display: Pixels, rng: np.random.Generator) -> Image.Image:
    """Give display values (H, W, 3) 0..1 a cast, a vignette, a touch of blur, sharpening and sensor noise."""
    height, width = display.shape[:2]
    grey = display.mean(axis=2, keepdims=True)
    image = grey + (display - grey) * rng.uniform(0.9, 1.22)
    image = image * (1 + rng.normal(0, 0.018, 3))
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    image = image * (1 - rng.uniform(0.03, 0.16) * (x**2 + y**2) / 2)[..., None]
    haze = rng.uniform(0, 0.035)
    image = haze + image * (1 - haze)
    soft = Image.fromarray((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8))
    soft = soft.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.75) * width / 640))
    if rng.random() < 0.6:
        soft = soft.filter(ImageFilter.UnsharpMask(radius=1.2, percent=int(rng.uniform(30, 90)), threshold=2))
    pixels = np.asarray(soft, np.float32)
    grain = rng.normal(0, 1, (height, width, 1)) * 0.75 + rng.normal(0, 1, (height, width, 3)) * 0.5
    pixels = pixels + grain * rng.uniform(1.0, 3.6) * (1.25 - pixels / 255)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def develop(linear: Pixels, rng: np.random.Generator, stops: float = 0.0) -> Image.Image:
    """Turn the renderer's linear light (H, W, 3) into the finished 8-bit picture."""
    return as_camera(tone(expose(linear, rng, stops), contrast=float(rng.uniform(0.96, 1.1))), rng)


def jpeg(image: Image.Image, quality: int, exif: Image.Exif | None = None) -> bytes:
    """Encode as a baseline JPEG with 4:2:0 colour, as phones do."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=2, **({"exif": exif} if exif else {}))
    return buffer.getvalue()
