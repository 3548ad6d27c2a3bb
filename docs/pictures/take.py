# ruff: noqa: INP001 - a script beside its pictures, not a package
"""Take the README's pictures anew from a running demo: `python docs/pictures/take.py URL KEY`.

Only ever of the demo: its scenes are rendered, and its people are made up.
"""

import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.api.browsing import Browser

SETTLE_S = 3.0  # for pictures and fonts
PICTURES = (
    # name, language, path, width, height
    ("overview", "zh", "/", 1440, 900),
    ("overview-en", "en", "/", 1440, 900),
    ("issue", "zh", "/issues/{first}", 1440, 1000),
)


def main(url: str, key: str) -> None:
    """Sign in and take each picture."""
    browser = Browser(url, Path(tempfile.mkdtemp()))
    browser.driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    browser.open("/sign-in")
    browser.enter_key(key)
    browser.until("/")
    number = browser.find(".pw-issues > li:last-child .pw-number").text  # the first photos of the demo are the best
    for name, language, path, width, height in PICTURES:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.open("/")
        browser.click(f".pw-languages a[href='/language/{language}']")
        browser.open(path.format(first=number))
        browser.find("h1")
        time.sleep(SETTLE_S)
        keep(browser, Path(__file__).parent / f"{name}.png")
    browser.close()


def keep(browser: Browser, file: Path) -> None:
    """Write what is shown; photographs as JPEG, since as PNG they are ten times as large."""
    browser.driver.save_screenshot(str(file))
    if file.name.startswith("issue"):
        Image.open(file).convert("RGB").save(file.with_suffix(".jpg"), quality=88, optimize=True)
        file.unlink()
    else:
        Image.open(file).convert("RGB").save(file, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), sys.argv[2])
