/** How the overlays of `/plan` are drawn, and the legend that says so: the same on every map of the page. */

import {onScheme, palette} from "./map.mjs";
import {config, fill, h, t, titled} from "./page.mjs";

/** Colour by a class of people: as on the folium map of coverage. */
function byPeople(colours) {
  const steps = config.gap_classes.slice(0, -1).flatMap((step, number) => [step.upto + 1, colours.gaps[number + 1]]);
  return ["step", ["to-number", ["get", "people"], 0], colours.gaps[0], ...steps];
}

export const PAINTS = {
  gaps: (colours) => [{type: "fill", paint: {"fill-color": byPeople(colours), "fill-antialias": false}}],
  circles: (colours) => [
    {type: "fill", paint: {"fill-color": ["case", ["get", "covered"], colours.covered, colours.uncovered], "fill-opacity": ["case", ["get", "covered"], 0.05, 0.25]}},
    {type: "line", paint: {"line-color": ["case", ["get", "covered"], colours.covered, colours.uncovered], "line-width": ["case", ["get", "covered"], 0.8, 2]}},
  ],
  draft: (colours) => [
    {type: "fill", filter: ["==", ["get", "role"], "moved"], paint: {"fill-color": colours.uncovered, "fill-opacity": 0.35}},
    {type: "line", filter: ["==", ["geometry-type"], "Polygon"], paint: {"line-color": colours.accent, "line-width": 1.5}},
    {type: "line", filter: ["==", ["get", "role"], "finding"], paint: {"line-color": colours.accent, "line-width": 3}},
    {type: "circle", filter: ["==", ["geometry-type"], "Point"], paint: {"circle-radius": 6, "circle-color": colours.accent, "circle-stroke-color": colours.land, "circle-stroke-width": 2}},
  ],
  stations: (colours) => [
    {type: "circle", paint: {"circle-radius": ["interpolate", ["linear"], ["zoom"], 8, ["case", ["get", "changed"], 7, 3.5], 13, ["case", ["get", "changed"], 9, 7]],
      "circle-color": ["get", "colour"], "circle-stroke-color": ["case", ["get", "changed"], colours.accent, colours.ink], "circle-stroke-width": ["case", ["get", "changed"], 3, 0.8],
      "circle-opacity": ["case", ["get", "closed"], 0.25, 1]}},
  ],
  sites: (colours) => [
    {type: "circle", paint: {"circle-radius": 11, "circle-color": colours.accent, "circle-stroke-color": colours.land, "circle-stroke-width": 2.5}},
    {type: "symbol", layout: {"text-field": ["get", "rank"], "text-size": 12, "text-allow-overlap": true}, paint: {"text-color": colours.land}},
  ],
};

function rows(steps, colours, shape) {
  return steps.map((step, number) => h("li", {}, h("i", {className: `gw-key gw-key-${shape}`, style: {"--colour": colours[number]}, aria: {hidden: true}}), titled(step)));
}

/** Put the legend of coverage into a corner of a map; it follows light and dark. */
export function legend(container) {
  const list = h("div");
  const draw = () => {
    const colours = palette();
    fill(list, h("h3", {}, t("覆盖人口占比", "Share of people covered")), h("ul", {}, rows(config.classes, colours.shares, "swatch")),
      h("h3", {}, t("盲区：未覆盖的人口", "Gaps: people not covered")), h("ul", {}, rows(config.gap_classes, colours.gaps, "swatch")),
      h("h3", {}, t("站点", "Stations")), h("ul", {}, Object.values(config.marks).map((mark) => h("li", {}, h("i", {className: "gw-key gw-key-point", style: {"--colour": mark.colour}, aria: {hidden: true}}), titled(mark)))));
  };
  draw();
  onScheme(draw);
  container.append(h("details", {className: "gw-legend", open: window.innerWidth > 760}, h("summary", {}, t("图例", "Legend")), list));
}
