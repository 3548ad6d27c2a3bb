"""A real Chromium, driven headless, for tests of the pages."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

PATIENCE_S = 120.0  # other programs share these processors
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1440,900",
)

Found = TypeVar("Found")


class Browser:
    """One browser with a profile of its own; what it looks for it waits for."""

    def __init__(self, url: str, profile: Path, language: str = "en") -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM or ""
        for switch in (*SWITCHES, f"--user-data-dir={profile}"):
            options.add_argument(switch)
        options.add_experimental_option("prefs", {"intl.accept_languages": language})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.url = url
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
        self.driver.set_page_load_timeout(PATIENCE_S)

    def open(self, path: str) -> None:
        self.driver.get(self.url + path)

    def sign_in(self, key: str, onward: str = "/") -> None:
        """Sign in with an access key and go on to a page."""
        self.open("/sign-in" if onward == "/" else f"/sign-in?onward={onward}")
        self.enter_key(key)
        self.until(onward)

    def enter_key(self, key: str) -> None:
        """Fill the sign-in page that is shown."""
        self.find("input[name=key]").send_keys(key, Keys.ENTER)

    def forget(self) -> None:
        """Lose the cookies, as a browser of somebody else has none."""
        self.open("/sign-in")
        self.driver.delete_all_cookies()
        self.complaints()

    def be_a_phone(self) -> None:
        phone = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)

    def stand_at(self, *, latitude: float, longitude: float, accuracy: float) -> None:
        """Be at a place, degrees WGS-84, known to so many metres."""
        place = {"latitude": latitude, "longitude": longitude, "accuracy": accuracy}
        self.driver.execute_cdp_cmd("Browser.grantPermissions", {"origin": self.url, "permissions": ["geolocation"]})
        self.driver.execute_cdp_cmd("Emulation.setGeolocationOverride", place)

    def be_a_screen(self) -> None:
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def close(self) -> None:
        self.driver.quit()

    @property
    def path(self) -> str:
        """Give the address without the server."""
        return str(self.driver.current_url).removeprefix(self.url)

    @property
    def title(self) -> str:
        return str(self.driver.title)

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def texts(self, css: str) -> list[str]:
        return [one.text for one in self.all(css)]

    def find(self, css: str, having: str = "") -> WebElement:
        """Wait for the first element that is shown and has this text."""
        return self._until(
            lambda: next((one for one in self.all(css) if one.is_displayed() and having in one.text), None),
            f"{css} having {having!r}",
        )

    def read(self, css: str, having: str = "") -> str:
        """Give the text of what is found: read in the same wait, as pages replace what they show."""
        return self._until(
            lambda: next((text for one in self.all(css) if one.is_displayed() and having in (text := one.text)), None),
            f"the text of {css} having {having!r}",
        )

    def click(self, css: str, having: str = "") -> None:
        """Click what is found, once nothing moves over it: dialogs and menus slide into place."""

        def clicked() -> bool:
            try:
                self.find(css, having).click()
            except (ElementClickInterceptedException, ElementNotInteractableException):
                return False
            return True

        self._until(clicked, f"a click on {css} having {having!r}")

    def choose(self, css: str, value: str) -> None:
        """Choose an option by its value, in the first list that has it."""
        boxes = [Select(one) for one in self.all(css)]
        next(one for one in boxes if value in [each.get_attribute("value") for each in one.options]).select_by_value(
            value
        )

    def until(self, path: str) -> None:
        """Wait until the address is this one."""
        self._until(lambda: self.path == path, f"the address {path}")

    def until_count(self, css: str, count: int) -> None:
        self._until(lambda: len(self.all(css)) == count, f"{count} of {css}")

    def until_gone(self, css: str) -> None:
        self._until(lambda: not self.all(css), f"{css} gone")

    def _until(self, ask: Callable[[], Found | None], what: str) -> Found:
        waiting = WebDriverWait(self.driver, PATIENCE_S, 0.1, ignored_exceptions=[StaleElementReferenceException])
        try:
            return waiting.until(lambda _: ask() or False)
        except TimeoutException as error:
            shown = self.find_body()[:1500]
            raise AssertionError(f"waited in vain for {what} at {self.path}; the page says:\n{shown}") from error

    def find_body(self) -> str:
        return str(self.driver.find_element(By.TAG_NAME, "body").text)

    def complaints(self) -> list[str]:
        """Give what the page's scripts complained of since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
