/** Two maps side by side, before and after: they move together, and each says its own figure. */

import {CityMap} from "./map.mjs";
import {PAINTS, shareBands} from "./paints.mjs";
import {byId, config, h, percent, t, whole} from "./page.mjs";

/** The whole city after changes: with changes the service lists only the areas that differ. */
export function withChanges(plain, changed) {
  const differing = new Map(changed.areas.map((area) => [area.code, area]));
  const kept = plain.gaps.features.filter((gap) => !differing.has(gap.properties.code));
  return {...plain, before: plain.summary, summary: changed.summary,
    areas: plain.areas.map((area) => differing.get(area.code) || area), gaps: {...plain.gaps, features: [...kept, ...changed.gaps.features]}};
}

const gapsOf = (answer) => answer.gaps.features.filter((gap) => gap.geometry);
let other = null;

function caption(container, title, summary) {
  container.querySelector(".gw-caption")?.remove();
  container.append(h("p", {className: "gw-caption"}, h("b", {}, title), ` ${percent(summary.ratio)} · ${whole(summary.people_covered)} ${t("人", "people")}`));
}

/** Show `before` on the page's map and `after` beside it; `drawn` are stations and sites of the second map. */
export function sideBySide(city, before, after, drawn, level) {
  const container = byId("map-after");
  const seen = city.view.getBounds();
  document.body.classList.add("gw-beside");
  container.hidden = false;
  byId("map").querySelector(".gw-legend").open = false;
  if (!other) {
    other = new CityMap(container, {layers: city.layers});
    for (const [key, under] of [["gaps", true], ["stations", false], ["sites", false]]) { other.overlay(key, PAINTS[key], {under}); }
    let led = false;
    for (const [one, two] of [[city.view, other.view], [other.view, city.view]]) {
      one.on("move", () => {
        if (led || container.hidden) { return; }
        led = true;
        two.jumpTo({center: one.getCenter(), zoom: one.getZoom()});
        led = false;
      });
    }
  }
  for (const layer of city.layers) { other.show(layer.key, layer.shown); }
  other.put("gaps", gapsOf(after));
  other.put("stations", drawn.stations);
  other.put("sites", drawn.sites);
  other.shares(shareBands(level, after.areas), "gaps-0");
  city.view.resize();
  city.view.fitBounds(seen, {duration: 0, padding: 0});
  other.ready.then(() => { other.view.resize(); other.view.jumpTo({center: city.view.getCenter(), zoom: city.view.getZoom()}); });
  caption(byId("map"), t("现状", "Now"), before.summary);
  caption(container, t("之后", "After"), after.summary);
  window.gridward.after = other;
}

/** Back to one map. */
export function oneMap() {
  document.body.classList.remove("gw-beside");
  byId("map-after").hidden = true;
  byId("map").querySelector(".gw-caption")?.remove();
}

export const beside = () => !byId("map-after").hidden && config.page === "plan";
