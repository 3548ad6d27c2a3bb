"""A city that speaks Open311 with an office in this process."""

import itertools
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import httpx
import yaml

from api.accounts.schemas import Role
from detector import shipped
from tests.api.office import Office

PREFIX = "/open311/v2"
_numbers = itertools.count(1)


def make_offer(folder: Path, **changes: Any) -> Path:
    """Write the shipped offer with changes, and with as many tries as a test may need."""
    offer = yaml.safe_load(shipped("datasets/open311.yaml").read_text(encoding="utf-8"))
    offer |= {"tries_a_minute": {"key": 100_000, "address": 100_000}} | changes
    path = folder / "open311.yaml"
    path.write_text(yaml.safe_dump(offer, allow_unicode=True), encoding="utf-8")
    return path


class City:
    """Speaks Open311 with an office in this process."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.key = office.key(Role.inspector)[1]
        self.http = office.http()
        self.admin = office.client()

    def point(self, **changes: Any) -> dict[str, Any]:
        """Add a point far from every other one."""
        number = next(_numbers)
        place = {"longitude": 100.0 + number * 0.02, "latitude": 30.0}
        return self.admin.add_point(f"O{number:05d}", **(place | changes))

    def ask(self, path: str, answered: int = 200, headers: dict[str, str] | None = None, **params: Any) -> Any:
        """Ask for JSON and give what was answered, which must have this status."""
        answer = self.http.get(f"{PREFIX}/{path}.json", params=params, headers=headers)
        assert answered == answer.status_code, answer.text[:2000]
        assert "application/json; charset=utf-8" == answer.headers["content-type"]
        return answer.json()

    def ask_xml(self, path: str, answered: int = 200, **params: Any) -> ET.Element:
        """Ask for XML and give its root."""
        answer = self.http.get(f"{PREFIX}/{path}.xml", params=params)
        assert answered == answer.status_code, answer.text[:2000]
        assert "text/xml; charset=utf-8" == answer.headers["content-type"]
        assert answer.content.startswith(
            (b"<?xml version='1.0' encoding='UTF-8'?>", b'<?xml version="1.0" encoding="UTF-8"?>')
        )
        return ET.fromstring(answer.content)

    def post(self, form: dict[str, Any], suffix: str = "json", **more: Any) -> httpx.Response:
        """Send a form as it is."""
        return self.http.post(f"{PREFIX}/requests.{suffix}", data=form, **more)

    def form(self, point: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Give a legal form about a place near a point."""
        return {
            "api_key": self.key,
            "service_code": "clutter",
            "lat": str(point["latitude"]),
            "long": str(point["longitude"] + 0.0002),
            "description": "路边堆放纸箱",
        } | changes

    def file(self, point: dict[str, Any], **changes: Any) -> str:
        """File a request and give its id."""
        answer = self.post(self.form(point, **changes))
        assert 201 == answer.status_code, answer.text[:2000]
        (filed,) = answer.json()
        return str(filed["service_request_id"])

    def show(self, reference: str, **params: Any) -> dict[str, Any]:
        (shown,) = self.ask(f"requests/{reference}", **params)
        found: dict[str, Any] = shown
        return found


def refused(answer: httpx.Response, status: int) -> list[str]:
    """Give the reasons of a refusal in JSON, which must be in Open311's form and have this status."""
    assert status == answer.status_code, answer.text[:2000]
    errors = answer.json()
    assert errors
    assert [status] * len(errors) == [one["code"] for one in errors]
    assert all(one["description"] and "Traceback" not in one["description"] for one in errors)
    return [one["description"] for one in errors]
