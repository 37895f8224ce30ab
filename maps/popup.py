"""Popups and tooltips whose text stays text: the one place where folium maps make them.

folium puts popup texts into the page as HTML. Here a layer's features carry plain values; a small
script builds the elements when a popup opens and sets values as ``textContent``, so whatever a
name holds is shown and never run. No inline style is used either (content security policy).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from folium.utilities import JsCode

_SCRIPT = """function (feature, layer) {
  const fields = %(fields)s;
  function row(label, value) {
    const line = document.createElement("div");
    const name = document.createElement("span");
    name.className = "gw-label";
    name.textContent = label;
    const text = document.createElement("span");
    text.textContent = value;
    line.append(name, text);
    return line;
  }
  function shown(value, unit) {
    if (value === null || value === undefined) { return "\\u2014"; }
    if (unit === "%%") { return (Math.floor(value * 1000) / 10).toFixed(1) + "%%"; }
    if (typeof value === "number") {
      return value.toLocaleString("en-US", {maximumFractionDigits: unit === "km²" ? 2 : 0}) +
        (unit ? " " + unit : "");
    }
    return String(value);
  }
  function box() {
    const whole = document.createElement("div");
    whole.className = "gw-popup";
    const head = document.createElement("strong");
    head.textContent = String(feature.properties[%(head)s]);
    whole.append(head);
    for (const [key, label, unit] of fields) {
      whole.append(row(label, shown(feature.properties[key], unit)));
    }
    return whole;
  }
  layer.bindTooltip(box, {sticky: true});
  layer.bindPopup(box, {maxWidth: 320});
}"""


def texts(head: str, fields: Sequence[tuple[str, str, str]]) -> JsCode:
    """Return the ``on_each_feature`` script that gives each feature its tooltip and popup.

    Parameters
    ----------
    head
        Property shown in bold on top.
    fields
        (property, label, unit) of each line. The unit ``%`` shows a ratio as percent, rounded
        down, so that only everybody reads 100.0%.
    """
    return JsCode(
        _SCRIPT % {"fields": script_json([list(row) for row in fields]), "head": script_json(head)}
    )


def script_json(value: Any) -> str:  # noqa: ANN401 - whatever JSON carries
    r"""Return JSON that is safe inside a script element.

    >>> script_json("</script>")
    '"\\u003c/script\\u003e"'
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
