"""The rules of the published JSON schemas of GeoReport v2, in words of this project.

Ids and codes are strings, places are numbers, instants carry an offset, lists are bare arrays.
"""

from __future__ import annotations

from typing import Any

TEXT = {"type": ["string", "null"]}
INSTANT = {
    "type": ["string", "null"],
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
}


def _object(required: list[str], properties: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
        **more,
    }


def _list(item: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"type": "array", "items": item, **more}


SCHEMAS: dict[str, dict[str, Any]] = {
    "discovery": {
        "type": "object",
        "required": ["changeset", "contact", "key_service", "endpoints"],
        "properties": {
            "changeset": {**INSTANT, "type": "string"},
            "contact": {"type": "string"},
            "key_service": {"type": "string"},
            "endpoints": _list(
                {
                    "type": "object",
                    "required": ["specification", "url", "changeset", "type", "formats"],
                    "properties": {
                        "specification": {"type": "string"},
                        "url": {"type": "string", "pattern": "^https?://"},
                        "changeset": {**INSTANT, "type": "string"},
                        "type": {"enum": ["production", "test", "acceptance"]},
                        "formats": _list({"type": "string"}, minItems=2),
                    },
                },
                minItems=1,
            ),
        },
    },
    "services": _list(
        _object(
            ["service_code", "service_name", "description", "metadata", "type", "keywords",
             "group"],
            {
                "service_code": {"type": "string", "minLength": 1},
                "service_name": {"type": "string"},
                "description": TEXT,
                "metadata": {"type": "boolean"},
                "type": {"enum": ["realtime", "batch", "blackbox"]},
                "keywords": {"type": "string"},
                "group": {"type": "string"},
            },
        ),
        minItems=1,
    ),
    "service": _object(
        ["service_code", "attributes"],
        {
            "service_code": {"type": "string"},
            "attributes": _list(
                _object(
                    ["variable", "code", "datatype", "required", "order", "description"],
                    {
                        "variable": {"type": "boolean"},
                        "code": {"type": "string"},
                        "datatype": {
                            "enum": [
                                "string", "number", "datetime", "text", "singlevaluelist",
                                "multivaluelist",
                            ]
                        },
                        "required": {"type": "boolean"},
                        "datatype_description": TEXT,
                        "order": {"type": "integer", "minimum": 1},
                        "description": {"type": "string"},
                        "values": _list(
                            _object(
                                ["key", "name"],
                                {"key": {"type": "string"}, "name": {"type": "string"}},
                            )
                        ),
                    },
                )
            ),
        },
    ),
    "requests": _list(
        _object(
            ["service_request_id", "status", "service_code", "requested_datetime"],
            {
                "service_request_id": {"type": "string", "minLength": 1},
                "status": {"enum": ["open", "closed"]},
                "status_notes": TEXT,
                "service_name": TEXT,
                "service_code": {"type": "string"},
                "description": TEXT,
                "agency_responsible": TEXT,
                "service_notice": TEXT,
                "requested_datetime": {**INSTANT, "type": "string"},
                "updated_datetime": INSTANT,
                "expected_datetime": INSTANT,
                "address": TEXT,
                "address_id": TEXT,
                "zipcode": TEXT,
                "lat": {"type": ["number", "null"], "minimum": -90, "maximum": 90},
                "long": {"type": ["number", "null"], "minimum": -180, "maximum": 180},
                "media_url": TEXT,
            },
        )
    ),
    "created": _list(
        _object(
            [],
            {
                "service_request_id": {"type": "string"},
                "token": {"type": "string"},
                "service_notice": TEXT,
                "account_id": TEXT,
            },
            anyOf=[{"required": ["service_request_id"]}, {"required": ["token"]}],
        ),
        minItems=1,
        maxItems=1,
    ),
    "tokens": _list(
        _object(
            ["service_request_id", "token"],
            {"service_request_id": {"type": "string"}, "token": {"type": "string"}},
        ),
        minItems=1,
        maxItems=1,
    ),
    "errors": _list(
        _object(
            ["code", "description"],
            {"code": {"type": ["string", "integer"]}, "description": {"type": "string"}},
        ),
        minItems=1,
    ),
}  # fmt: skip
"""Answer -> its rules."""
