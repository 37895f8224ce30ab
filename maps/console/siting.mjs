/** "Where next": k places and an objective, the proof of the answer, before and after side by side. */

import {post, told} from "./api.mjs";
import {beside, oneMap, sideBySide, withChanges} from "./compare.mjs";
import {feature} from "./map.mjs";
import {byId, distance, fill, h, nothing, percent, t, whole} from "./page.mjs";

/** What is asked, out of the scenario. */
export function sitingQuestion({objective, k, kinds, radius_m, reach, mode, area}) {
  return {objective, k, kinds, radius_m, reach, ...(reach === "network" ? {mode} : {}), ...(area ? {area} : {})};
}

function nameOf(site, number) {
  return site.properties.name || t(`位置 ${number + 1}`, `place ${number + 1}`);
}

/** The sites as stations of a scenario. */
function asChanges(sites, kind) {
  return sites.map((site, number) => ({action: "add", code: `site-${number + 1}`, name: nameOf(site, number), kind,
    lon: site.geometry.coordinates[0], lat: site.geometry.coordinates[1]}));
}

function proven(proof) {
  if (proof.status === "optimal") { return t("已证明最优：这些候选点中没有更好的方案。", "Proven optimal among these candidates."); }
  const gap = proof.gap === null || proof.gap === undefined ? null : `${(proof.gap * 100).toFixed(2)}%`;
  return gap ? t(`任何方案至多再好 ${gap}。`, `No plan is better by more than ${gap}.`) : t("可行方案。", "A feasible plan.");
}

function compared(found, count) {
  const rows = [[t("已覆盖人口", "People covered"), whole, "people_covered"], [t("覆盖率", "Share"), percent, "ratio"],
    [t("人均距离", "Mean distance"), distance, "mean_distance_m"], [t("最远距离", "Largest distance"), distance, "largest_distance_m"]];
  return h("table", {className: "gw-compare"}, h("thead", {}, h("tr", {}, h("td", {}), h("th", {scope: "col"}, t("现状", "Now")), h("th", {scope: "col"}, t(`新增 ${count} 个后`, `With ${count} more`)))),
    h("tbody", {}, rows.map(([title, words, key]) => h("tr", {}, h("th", {scope: "row"}, title), h("td", {}, words(found.before[key])), h("td", {}, h("strong", {}, words(found.after[key])))))));
}

/**
 * Bind the view. `plan` gives `scenario`, `city`, `question()`, `stations()` (features as drawn),
 * `draw(features)` for the sites, `level()` and `adopt(changes)`.
 */
export function whereNext(plan) {
  const {scenario, city} = plan;
  const show = async (sites, button) => {
    if (beside()) { oneMap(); button.setAttribute("aria-pressed", "false"); return; }
    button.disabled = true;
    const changes = [...scenario.changes, ...asChanges(sites, scenario.kinds[0] || "service_station")];
    const [before, changed] = await Promise.all([told(() => post("/v1/coverage", {...plan.question(), changes: []})), told(() => post("/v1/coverage", {...plan.question(), changes}))]);
    button.disabled = false;
    if (!before || !changed) { return; }
    button.setAttribute("aria-pressed", "true");
    sideBySide(city, before, withChanges(before, changed), {stations: plan.stations(), sites: ranked(sites)}, plan.level());
  };
  byId("siting").addEventListener("click", async () => {
    oneMap();
    byId("siting").disabled = true;
    fill(byId("sited"), h("p", {role: "status"}, t("正在寻找…", "Searching …")));
    const found = await told(() => post("/v1/siting", {...sitingQuestion(scenario), seconds: 20}));
    byId("siting").disabled = false;
    if (!found) { fill(byId("sited"), nothing(t("没有得到方案。", "There is no plan."), t("放宽半径、减少数量，或换一个目标再试。", "Try a larger radius, fewer places, or another objective."))); return; }
    const sites = found.sites.features;
    plan.draw(ranked(sites));
    fill(byId("sited"), compared(found, sites.length), h("p", {className: "gw-fine"}, proven(found.proof)),
      h("div", {className: "gw-row"},
        h("button", {type: "button", id: "beside", aria: {pressed: "false"}, onclick: (event) => show(sites, event.currentTarget)}, t("前后并排看", "Side by side")),
        h("button", {type: "button", onclick: () => { oneMap(); plan.adopt(asChanges(sites, scenario.kinds[0] || "service_station")); }}, t("并入方案", "Into the scenario"))),
      h("ol", {className: "gw-list gw-ranked"}, sites.map((site, number) => h("li", {}, h("button", {type: "button", onclick: () => city.view.flyTo({center: site.geometry.coordinates, zoom: 13})},
        h("span", {}, h("kbd", {}, String(number + 1)), ` ${nameOf(site, number)}`), Number.isFinite(site.properties.marginal_people) && h("small", {}, `+${whole(site.properties.marginal_people)} ${t("人", "people")}`))))));
  });
}

function ranked(sites) {
  return sites.map((site, number) => feature(site.geometry, {rank: String(number + 1)}));
}
