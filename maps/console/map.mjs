/** The map of the console: our own layers as vector tiles, one palette, no other host. */

import {Map as MapView, NavigationControl, ScaleControl, LngLatBounds} from "/assets/maplibre/maplibre-gl.mjs";

import {config, t} from "./page.mjs";

const NONE = {type: "FeatureCollection", features: []};
const _dark = window.matchMedia("(prefers-color-scheme: dark)");

/** Return the colours of the map for the scheme that the person has chosen. */
export function palette() {
  return config.palette[_dark.matches ? "dark" : "light"];
}

/** Call when light changes to dark or back. */
export function onScheme(call) {
  _dark.addEventListener("change", call);
}

/** Return collection, empty without features. */
export function collection(features = []) {
  return {type: "FeatureCollection", features};
}

/** Return a GeoJSON feature. */
export function feature(geometry, properties = {}, id = undefined) {
  return {type: "Feature", id, geometry, properties};
}

/** Return the bounds of GeoJSON features, null when there are none. */
export function boundsOf(features) {
  const bounds = new LngLatBounds();
  const walk = (numbers) => {
    if (typeof numbers[0] === "number") { bounds.extend(numbers); } else { numbers.forEach(walk); }
  };
  for (const one of features) { if (one.geometry) { walk(one.geometry.coordinates); } }
  return bounds.isEmpty() ? null : bounds;
}

function tileAddress(layer) {
  return new URL(layer.tiles, location.href).href.replaceAll("%7B", "{").replaceAll("%7D", "}");
}

/** Radius of one point, and of a cell by how many it stands for. */
function sized(one) {
  const many = ["interpolate", ["linear"], ["log10", ["max", 1, ["to-number", ["get", "point_count"]]]], 0, 3, 5, 16];
  return ["case", ["has", "point_count"], many, one];
}

/** Colour of a point by an attribute whose values have marks; others, and cells, take the layer's. */
function marked(attribute, colour) {
  return ["match", ["get", attribute], ...Object.entries(config.marks).flatMap(([value, mark]) => [value, mark.colour]), colour];
}

function layersOf(layer, colours) {
  const common = {source: layer.key, "source-layer": layer.key, minzoom: layer.minzoom};
  const look = layer.look;
  const colour = colours.layers[layer.key] || colours.ink;
  const made = [];
  if (layer.kind === "polygon") {
    if (look.fill) {
      made.push({...common, id: `${layer.key}-fill`, type: "fill", paint: {"fill-color": colour, "fill-opacity": look.fill}});
    } else {
      // nothing to see, but there to be clicked
      made.push({...common, id: `${layer.key}-fill`, type: "fill", paint: {"fill-color": colour, "fill-opacity": 0}});
    }
    made.push({...common, id: `${layer.key}-line`, type: "line", paint: {
      "line-color": colour, "line-width": ["interpolate", ["linear"], ["zoom"], 8, look.width * 0.6, 15, look.width * 1.6],
      ...(look.dash.length ? {"line-dasharray": look.dash} : {}),
    }});
  } else if (layer.kind === "line") {
    made.push({...common, id: `${layer.key}-line`, type: "line", paint: {
      "line-color": colour, "line-width": ["interpolate", ["exponential", 1.6], ["zoom"], 10, look.width * 0.5, 17, look.width * 4],
    }});
  } else {
    made.push({...common, id: `${layer.key}-point`, type: "circle", paint: {
      // a binned point stands for many: its disc grows with their number
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 9, sized(2.5), 16, sized(6)],
      "circle-color": layer.marks ? marked(layer.marks, colour) : colour, "circle-stroke-color": layer.marks ? colours.ink : colours.land, "circle-stroke-width": layer.marks ? 0.8 : 1,
      "circle-opacity": ["case", ["has", "point_count"], 0.65, 1],
    }});
  }
  if (layer.label) {
    made.push({
      id: `${layer.key}-label`, type: "symbol", source: layer.key, minzoom: layer.label.minzoom,
      "source-layer": layer.label.source,
      layout: {"text-field": ["get", layer.label.field], "text-size": layer.label.size, "text-max-width": 8,
        ...(layer.kind === "point" ? {"text-offset": [0, 0.9], "text-anchor": "top"} : {})},
      paint: {"text-color": colours.ink, "text-halo-color": colours.land, "text-halo-width": 1.6},
    });
  }
  return made;
}

function styleOf(layers, colours) {
  const style = {version: 8, sources: {}, layers: [
    {id: "ground", type: "background", paint: {"background-color": colours.ground}},
  ]};
  if (config.basemap) {
    style.sources.basemap = {type: "raster", tiles: [config.basemap.url], tileSize: 256, attribution: config.basemap.attribution};
    style.layers.push({id: "basemap", type: "raster", source: "basemap"});
  }
  const city = layers.find((layer) => layer.key === "counties");
  if (city && !config.basemap) {
    style.layers.push({id: "land", type: "fill", source: city.key, "source-layer": city.key, minzoom: city.minzoom, paint: {"fill-color": colours.land}});
  }
  for (const layer of layers) {
    style.sources[layer.key] = {type: "vector", tiles: [tileAddress(layer)], minzoom: layer.tiled[0], maxzoom: layer.tiled[1], promoteId: "code"};
  }
  const drawn = layers.flatMap((layer) => layersOf(layer, colours).map((one) => ({
    ...one, metadata: {layer: layer.key},
    layout: {...one.layout, visibility: layer.shown ? "visible" : "none"},
  })));
  // names lie above all that is drawn
  style.layers.push(...drawn.filter((one) => one.type !== "symbol"), ...drawn.filter((one) => one.type === "symbol"));
  return style;
}

const WORDS = config.language === "en" ? {} : {
  "NavigationControl.ZoomIn": "放大", "NavigationControl.ZoomOut": "缩小", "NavigationControl.ResetBearing": "正北朝上",
  "ScaleControl.Feet": "英尺", "ScaleControl.Meters": "米", "ScaleControl.Kilometers": "公里", "Map.Title": "地图",
  "AttributionControl.ToggleAttribution": "来源",
};

/** A map with the layers of the catalogue beneath and named overlays of GeoJSON above. */
export class CityMap {
  constructor(container, {layers = config.layers, bounds = config.bounds} = {}) {
    this.layers = layers.map((layer) => ({...layer}));
    this.overlays = new Map();
    this.view = new MapView({
      container, style: styleOf(this.layers, palette()), locale: WORDS, attributionControl: config.basemap ? {compact: true} : false,
      bounds: bounds || [[73, 18], [135, 54]], fitBoundsOptions: {padding: 24}, maxZoom: 19, dragRotate: false,
      pitchWithRotate: false, touchPitch: false, fadeDuration: 0, canvasContextAttributes: {preserveDrawingBuffer: true},
    });
    this.view.touchZoomRotate.disableRotation();
    this.view.addControl(new NavigationControl({showCompass: false}), "top-right");
    this.view.addControl(new ScaleControl({maxWidth: 140}), "bottom-right");
    this.ready = new Promise((done) => this.view.once("load", done));
    onScheme(() => this._restyle());
    new ResizeObserver(() => this._fit(container)).observe(container);
  }

  /** Follow the container's size on the screen; on paper the same picture is made smaller as a whole, scale bar and all. */
  _fit(container) {
    if (matchMedia("print").matches) { return; }
    this.view.resize();
    const {clientWidth, clientHeight} = container;
    container.style.setProperty("--screen-width", `${clientWidth}px`);
    container.style.setProperty("--screen-height", `${clientHeight}px`);
    container.style.setProperty("--on-paper", Math.min(1, 760 / clientWidth, 680 / clientHeight));
  }

  /** Repaint in place: tiles that arrive meanwhile still find the layers that they were cut for. */
  _restyle() {
    const colours = palette();
    const overlays = [...this.overlays].flatMap(([id, {paint}]) => paint(colours).map((one, number) => ({...one, id: `${id}-${number}`})));
    this.ready.then(() => {
      for (const {id, paint = {}} of [...styleOf(this.layers, colours).layers, ...overlays]) {
        for (const [name, value] of Object.entries(paint)) { this.view.setPaintProperty(id, name, value); }
      }
      if (this.shared) { this._paintShares(); }
    });
  }

  /** Show or hide a layer of the catalogue. */
  show(key, shown) {
    const layer = this.layers.find((one) => one.key === key);
    if (layer.shown === shown) { return; }
    layer.shown = shown;
    this.ready.then(() => {
      for (const one of this.view.getStyle().layers) {
        if (one.metadata && one.metadata.layer === key) { this.view.setLayoutProperty(one.id, "visibility", layer.shown ? "visible" : "none"); }
      }
    });
  }

  /** Declare an overlay: `paint(colours)` returns MapLibre layers without id and source; `under`: below borders and names. */
  overlay(id, paint, {under = false} = {}) {
    this.overlays.set(id, {paint, data: NONE, under});
    if (this.view.isStyleLoaded()) { this._draw(id, this.overlays.get(id)); } else { this.ready.then(() => this._draw(id, this.overlays.get(id))); }
    return (features) => this.put(id, features);
  }

  _draw(id, {paint, data, under}) {
    if (this.view.getSource(id)) { return; }
    this.view.addSource(id, {type: "geojson", data});
    const above = under ? this._firstLine() : undefined;
    paint(palette()).forEach((one, number) => this.view.addLayer({...one, id: `${id}-${number}`, source: id}, above));
  }

  _firstLine() {
    return this.view.getStyle().layers.find((one) => one.type === "line")?.id;
  }

  /** Put features into an overlay. */
  put(id, features) {
    const one = this.overlays.get(id);
    one.data = collection(features);
    this.ready.then(() => { const source = this.view.getSource(id); if (source) { source.setData(one.data); } });
  }

  /** Return the rendered features of an overlay or of layers of the catalogue at a pixel. */
  at(point, ids) {
    const wanted = this.view.getLayersOrder().filter((one) => ids.some((id) => one.startsWith(`${id}-`)));
    return wanted.length ? this.view.queryRenderedFeatures(point, {layers: wanted}) : [];
  }

  /**
   * Colour areas by a share of each code, `below` a layer. `bands` are `{key, byCode}`, finest first: where a
   * layer has no tiles yet the next one stands for it. Null and unknown stay without colour.
   */
  shares(bands, below = null) {
    this.shared = {bands, below};
    this.ready.then(() => this._paintShares());
  }

  _paintShares() {
    const {bands, below} = this.shared;
    const view = this.view;
    const {shares} = palette();
    const steps = config.classes.slice(0, -1).flatMap((step, number) => [step.upto + 1e-12, shares[number + 1]]);
    const wanted = new Set(bands.map(({key}) => `shares-${key}`));
    for (const id of view.getLayersOrder().filter((one) => one.startsWith("shares-") && !wanted.has(one))) { view.setLayoutProperty(id, "visibility", "none"); }
    const above = view.getLayer(below) ? below : this._firstLine();
    let most = 24;
    for (const {key, byCode} of bands.filter((band) => view.getSource(band.key))) {
      const id = `shares-${key}`;
      const [least] = this.layers.find((one) => one.key === key).tiled;
      const filled = ["case", ["==", ["typeof", ["feature-state", "ratio"]], "number"], ["step", ["to-number", ["feature-state", "ratio"]], shares[0], ...steps], "rgba(0,0,0,0)"];
      // a layer stays once it is there: tiles that were cut for it go on taking the states of its areas
      if (view.getLayer(id)) {
        view.moveLayer(id, above);
        view.setPaintProperty(id, "fill-color", filled);
        view.setLayoutProperty(id, "visibility", "visible");
      } else {
        view.addLayer({id, type: "fill", source: key, "source-layer": key, paint: {"fill-color": filled}}, above);
      }
      view.setLayerZoomRange(id, least, most);
      most = least;
      view.removeFeatureState({source: key, sourceLayer: key});
      for (const [code, ratio] of byCode) {
        if (ratio !== null) { view.setFeatureState({source: key, sourceLayer: key, id: code}, {ratio}); }
      }
    }
  }

  /** Move to what is drawn, without animation for people who asked for none. */
  fit(features, {maxZoom = 16, padding = 48} = {}) {
    const bounds = boundsOf(features);
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (bounds) { this.view.fitBounds(bounds, {padding, maxZoom, duration: calm ? 0 : 400}); }
  }
}

/** Return a circle of that many metres as a polygon, for drawing only. */
export function circle(lon, lat, metres) {
  const ring = [];
  const dy = metres / 111195;
  const dx = dy / Math.cos(lat * Math.PI / 180);
  for (let step = 0; step <= 72; step += 1) {
    const angle = step * Math.PI / 36;
    ring.push([lon + dx * Math.cos(angle), lat + dy * Math.sin(angle)]);
  }
  return {type: "Polygon", coordinates: [ring]};
}

/** Return metres between two places on a sphere (0.5 % near enough for a label; numbers come from the service). */
export function metresBetween([lon1, lat1], [lon2, lat2]) {
  const rad = Math.PI / 180;
  const a = Math.sin((lat2 - lat1) * rad / 2) ** 2
    + Math.cos(lat1 * rad) * Math.cos(lat2 * rad) * Math.sin((lon2 - lon1) * rad / 2) ** 2;
  return 2 * 6371008.8 * Math.asin(Math.sqrt(a));
}

/** Return the words for a screen reader that stand for the map. */
export function described() {
  return t("地图。方向键移动，加减号缩放；内容也在旁边的列表中。", "Map. Arrow keys move it, plus and minus zoom; the list beside it has the same content.");
}
