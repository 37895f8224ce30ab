"""Open311's two formats: the same values as JSON and as XML, errors included."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from xml.etree import ElementTree as ET

from fastapi import Response

from api.problems import dumped

SINGULAR: Final = {
    "services": "service",
    "service_requests": "request",
    "errors": "error",
    "attributes": "attribute",
    "values": "value",
    "endpoints": "endpoint",
    "formats": "format",
}
"""Element of a list -> element of its members."""

_MEDIA: Final = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def answer(form: str, root: str, content: Any, status: int = 200) -> Response:  # noqa: ANN401 - JSON
    """Return a value in the format of the path's ending; ``root`` is XML's outermost element."""
    body = xml_of(root, content) if form == "xml" else dumped(content)
    return Response(
        body, status, headers={"Content-Type": _MEDIA[form], "Cache-Control": "no-store"}
    )


def xml_of(root: str, content: Any) -> bytes:  # noqa: ANN401 - JSON
    """Return a value as XML: UTF-8 with its declaration, no namespace, absent values empty.

    >>> xml_of("service_requests", [{"token": "007", "lat": None}]).decode().splitlines()[1]
    '<service_requests><request><token>007</token><lat /></request></service_requests>'
    """
    element = ET.Element(root)
    _fill(element, content)
    declaration = b'<?xml version="1.0" encoding="utf-8"?>\n'
    written: bytes = ET.tostring(element, encoding="utf-8", xml_declaration=False)
    return declaration + written


def _fill(element: ET.Element, content: Any) -> None:  # noqa: ANN401 - JSON
    if isinstance(content, Mapping):
        for key, value in content.items():
            _fill(ET.SubElement(element, key), value)
    elif isinstance(content, list):
        for value in content:
            _fill(ET.SubElement(element, SINGULAR[element.tag]), value)
    elif isinstance(content, bool):
        element.text = "true" if content else "false"
    elif content is not None:
        element.text = _NOT_XML.sub("\ufffd", str(content))
