"""What is wrong with a page for those who see, read or move otherwise: axe-core's word, and what is clipped."""

from importlib.resources import files
from typing import Any

from tests.api.browsing import Browser

#: axe-core as its carrier ships it; the carrier's own code, which wants Playwright, is not used.
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
GRAVE = ("serious", "critical")
WIDTHS_PX = (360, 1440, 2560)  # a small phone, a desk, a wall

RUN = """
const done = arguments[arguments.length - 1];
axe.run(arguments[0] ? {include: arguments[0]} : document, {resultTypes: ["violations"]})
  .then((found) => done(found.violations), (error) => done(String(error)));
"""
# What sticks out of the page sideways and is not meant to be scrolled within a frame of its own.
CLIPPED = """
const wide = document.documentElement.clientWidth, found = [];
if (document.documentElement.scrollWidth > wide) found.push(`page ${document.documentElement.scrollWidth} > ${wide}`);
for (const one of document.querySelectorAll("h1, h2, button, a, label, td, th, dd, p, input, select")) {
  const box = one.getBoundingClientRect();
  if (!box.width || getComputedStyle(one).visibility === "hidden") continue;
  let frame = one.parentElement;
  while (frame && !/auto|scroll|hidden|clip/.test(getComputedStyle(frame).overflowX)) frame = frame.parentElement;
  if (frame && frame !== document.body && frame !== document.documentElement) continue;
  if (box.right > wide + 1) found.push(`${one.outerHTML.slice(0, 120)} ends at ${Math.round(box.right)}`);
}
return found.slice(0, 5);
"""


def faults_of(browser: Browser, *parts: str) -> list[str]:
    """Give what axe-core finds serious or critical on the page that is shown, or on these parts of it."""
    browser.driver.execute_script(AXE)
    found: list[dict[str, Any]] | str = browser.driver.execute_async_script(RUN, list(parts) or None)
    assert isinstance(found, list), found
    return [
        f"{one['id']}: {node['html'][:160]}: {node['failureSummary'][:300]}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"][:2]
    ]


def clipped_at(browser: Browser, width_px: int) -> list[str]:
    """Give what does not fit the page at a width."""
    shape = {"width": width_px, "height": 900, "deviceScaleFactor": 1, "mobile": width_px < 600}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)
    found: list[str] = browser.driver.execute_script(CLIPPED)
    return [f"at {width_px} px: {one}" for one in found]
