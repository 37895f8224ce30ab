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
    {type: "fill", filter: ["==", ["get", "role"], "moved"], paint: {"fill-color": colours.uncovered, "fill-opacity": 0.45}},
    {type: "line", filter: ["==", ["get", "role"], "area"], paint: {"line-color": colours.covered, "line-width": 2.5}},
    {type: "circle", filter: ["==", ["get", "role"], "finding"], paint: {"circle-radius": 6, "circle-color": colours.accent, "circle-stroke-color": colours.land, "circle-stroke-width": 2}},
    {type: "symbol", filter: ["==", ["get", "role"], "area"], layout: {"text-field": ["get", "name"], "text-size": 12, "text-max-width": 8}, paint: {"text-color": colours.ink, "text-halo-color": colours.land, "text-halo-width": 1.6}},
  ],
  stations: (colours) => [
    {type: "circle", paint: {"circle-radius": ["interpolate", ["linear"], ["zoom"], 6.5, ["case", ["get", "changed"], 6, 2], 8, ["case", ["get", "changed"], 7, 3.5], 13, ["case", ["get", "changed"], 9, 7]],
      "circle-color": ["get", "colour"], "circle-stroke-color": ["case", ["get", "changed"], colours.accent, colours.ink], "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 7, ["case", ["get", "changed"], 3, 0.3], 10, ["case", ["get", "changed"], 3, 0.8]],
      "circle-opacity": ["case", ["get", "closed"], 0.25, 1]}},
  ],
  sites: (colours) => [
    {type: "circle", paint: {"circle-radius": 11, "circle-color": colours.accent, "circle-stroke-color": colours.land, "circle-stroke-width": 2.5}},
    {type: "symbol", layout: {"text-field": ["get", "rank"], "text-size": 12, "text-allow-overlap": true}, paint: {"text-color": colours.land}},
  ],
};

/** Level of areas -> its layer. */
export const LEVEL_LAYER = {grid: "grids", community: "communities", subdistrict: "subdistricts", county: "counties"};
const CODE_LENGTHS = {subdistrict: 9, county: 6, community: 12};

/** The shares of a level, and of each level above it (a child's code begins with its parent's): what a map shows from far. */
export function shareBands(level, areas) {
  const levels = Object.keys(LEVEL_LAYER);
  return levels.slice(levels.indexOf(level)).map((one) => {
    if (one === level) { return {key: LEVEL_LAYER[one], byCode: new Map(areas.map((area) => [area.code, area.ratio]))}; }
    const sums = new Map();
    for (const {code, people, people_covered: covered} of areas) {
      const above = code.slice(0, CODE_LENGTHS[one]);
      const sum = sums.get(above) || [0, 0];
      sums.set(above, [sum[0] + covered, sum[1] + people]);
    }
    return {key: LEVEL_LAYER[one], byCode: new Map([...sums].map(([code, [covered, people]]) => [code, people ? covered / people : null]))};
  });
}

function rows(steps, colours, shape) {
  return steps.map((step, number) => h("li", {}, h("i", {className: `gw-key gw-key-${shape}`, style: {"--colour": colours[number]}, aria: {hidden: true}}), titled(step)));
}

/** The legend of a draft: what moves, the outlines as they would be, where the check found something. */
export function draftLegend() {
  const list = h("ul", {className: "gw-marks"});
  const draw = () => {
    const colours = palette();
    const key = (shape, colour, words) => h("li", {}, h("i", {className: `gw-key gw-key-${shape}`, style: {"--colour": colour}, aria: {hidden: true}}), words);
    fill(list, key("swatch", colours.uncovered, t("划转的部分", "ground that moves")), key("line", colours.covered, t("草稿边界", "outlines of the draft")), key("point", colours.accent, t("检查发现", "findings")));
  };
  draw();
  onScheme(draw);
  return list;
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
