/* The script of a saved map: layers out of packed data, popups whose text stays text. */
const gridward = (function () {
  // the processor draws: an emulated graphics card takes ten times as long for thousands of outlines
  const plain = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind) { return plain.call(this, kind, {willReadFrequently: true}); };
  function unpackRing(letters) {
    const ring = [];
    const at = [0, 0];
    let number = 0, weight = 1, side = 0;
    for (let place = 0; place < letters.length; place += 1) {
      const digit = letters.charCodeAt(place) - 63;
      number += (digit % 32) * weight;
      weight *= 32;
      if (digit < 32) {
        at[side] += number % 2 ? -(number + 1) / 2 : number / 2;
        if (side === 1) { ring.push([at[0] / 1e5, at[1] / 1e5]); }
        number = 0; weight = 1; side = 1 - side;
      }
    }
    ring.push(ring[0]);
    return ring;
  }
  function unpack(packed) {
    return packed.shapes.map(function (parts, number) {
      const properties = {};
      packed.keys.forEach(function (key, column) { properties[key] = packed.values[column][number]; });
      return {type: "Feature", id: packed.ids[number], properties: properties, geometry: {
        type: "MultiPolygon", coordinates: parts.map(function (rings) { return rings.map(unpackRing); })}};
    });
  }
  function shown(value, unit) {
    if (value === null || value === undefined) { return "\u2014"; }
    if (unit === "%") { return (Math.floor(value * 1000) / 10).toFixed(1) + "%"; }
    if (typeof value === "number") {
      return value.toLocaleString("en-US", {maximumFractionDigits: unit.startsWith("km²") || unit.startsWith("/") ? 2 : 0}) +
        (unit ? " " + unit : "");
    }
    return String(value);
  }
  function box(feature, options) {
    const whole = document.createElement("div");
    whole.className = "gw-popup";
    const head = document.createElement("strong");
    head.textContent = String(feature.properties[options.head]);
    whole.append(head);
    for (const [key, label, unit] of options.fields) {
      const line = document.createElement("div");
      const name = document.createElement("span");
      const text = document.createElement("span");
      name.className = "gw-label";
      name.textContent = label;
      text.textContent = shown(feature.properties[key], unit);
      line.append(name, text);
      whole.append(line);
    }
    return whole;
  }
  function styled(look) {
    return {color: look.line || "#000", weight: look.width, stroke: look.line !== null, dashArray: look.dash,
      fill: look.fill !== null, fillColor: look.fill || undefined, fillOpacity: look.opacity, radius: look.radius};
  }
  function layer(data, options) {
    const features = data.shapes ? unpack(data) : data.features;
    const looks = options.looks.map(styled);
    const styleOf = function (feature) { return looks[options.look_of ? feature.properties[options.look_of] : 0]; };
    const drawn = L.geoJSON({type: "FeatureCollection", features: features}, {
      style: styleOf, smoothFactor: 0, interactive: options.fields.length > 0,
      pointToLayer: function (feature, place) { return L.circleMarker(place, styleOf(feature)); },
      onEachFeature: function (feature, drawn) {
        if (!options.fields.length) { return; }
        const words = function () { return box(feature, options); };
        drawn.bindTooltip(words, {sticky: true});
        drawn.bindPopup(words, {maxWidth: 320});
      },
    });
    for (const [lat, lon, text] of options.labels) {
      const name = document.createElement("span");
      name.textContent = text;
      drawn.addLayer(L.tooltip([lat, lon], {permanent: true, direction: "center", className: "gw-name", content: name}));
    }
    return drawn;
  }
  function start(map, bounds, ranked) {
    L.control.scale({imperial: false, position: "bottomright"}).addTo(map);
    if (map.attributionControl) { map.attributionControl.setPrefix(false); }
    const titles = {"zoom-in": ["放大", "Zoom in"], "zoom-out": ["缩小", "Zoom out"], "layers-toggle": ["图层", "Layers"]};
    for (const [name, [zh, en]] of Object.entries(titles)) {
      const button = document.querySelector(".leaflet-control-" + name);
      button.title = document.documentElement.lang === "en" ? en : zh;
      button.setAttribute("aria-label", button.title);
    }
    function size() {
      const radius = Math.max(2.5, Math.min(6, map.getZoom() - 5));
      map.eachLayer(function (drawn) { if (drawn.setRadius) { drawn.setRadius(radius); } });
    }
    map.on("zoomend overlayadd", size);
    size();
    const panel = document.getElementById("gw-panel");
    panel.addEventListener("toggle", function () { map.invalidateSize(); });
    if (window.innerWidth <= 640) {
      panel.open = false;
      map.invalidateSize();
      map.fitBounds(bounds);
    }
    document.querySelectorAll("[data-ranked]").forEach(function (button) {
      button.addEventListener("click", function () {
        ranked.eachLayer(function (drawn) {
          if (drawn.feature && String(drawn.feature.id) === button.dataset.ranked) {
            if (drawn.getBounds) { map.fitBounds(drawn.getBounds(), {maxZoom: 15, padding: [40, 40], animate: false}); } else { map.setView(drawn.getLatLng(), 15, {animate: false}); }
            drawn.openPopup();
          }
        });
      });
    });
  }
  return {layer: layer, start: start};
})();
