"""How Open311 answers look on the wire: one plain value, written as JSON or as XML by the Spark convention."""

import json
import re
import xml.etree.ElementTree as ET
from enum import StrEnum
from typing import Any

from fastapi import Response

SINGULAR = {  # what one entry of a list is called in XML
    "services": "service",
    "service_requests": "request",
    "attributes": "attribute",
    "values": "value",
    "endpoints": "endpoint",
    "formats": "format",
    "errors": "error",
}
# Source: XML 1.0, production 2. Some libraries write other characters all the same, and no parser reads the result.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Format(StrEnum):
    """What an answer is written in."""

    json = "json"
    xml = "xml"


MEDIA_TYPES = {Format.xml: "text/xml", Format.json: "application/json"}


def answer(
    content: Any, root: str, wanted: Format, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Write `content` as it was asked for.

    Args:
        root: name of the outermost element in XML; JSON has none.
    """
    body = write_xml(content, root) if wanted is Format.xml else write_json(content)
    return Response(
        body, status_code=status, headers={**(headers or {}), "Content-Type": f"{MEDIA_TYPES[wanted]}; charset=utf-8"}
    )


def write_json(content: Any) -> bytes:
    """Give JSON in UTF-8."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False).encode()


def write_xml(content: Any, root: str) -> bytes:
    """Give XML in UTF-8 with its declaration; what XML cannot hold becomes U+FFFD."""
    written: bytes = ET.tostring(_element(root, content), encoding="UTF-8", xml_declaration=True)
    return written


def _element(name: str, content: Any) -> ET.Element:
    element = ET.Element(name)
    if isinstance(content, dict):
        element.extend(_element(key, value) for key, value in content.items())
    elif isinstance(content, list):
        element.extend(_element(SINGULAR[name], one) for one in content)
    elif isinstance(content, bool):
        element.text = "true" if content else "false"
    elif content is not None:
        element.text = _NO_XML.sub("\ufffd", str(content))
    return element
