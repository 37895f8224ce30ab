/** `/plan`: who is reached, what if, where next, the employment circles, boundary drafts. */

import {all, get, post, told} from "./api.mjs";
import {CityMap, described, feature} from "./map.mjs";
import {ask, byId, config, distance, fill, h, nothing, percent, say, settled, t, titled, whole} from "./page.mjs";
import {circles} from "./circles.mjs";
import {drafts} from "./drafts.mjs";
import {tour} from "./tour.mjs";

const LEVEL_LAYER = {community: "communities", subdistrict: "subdistricts", county: "counties", grid: "grids"};
const city = new CityMap(byId("map"), {layers: config.layers.filter((layer) => ["counties", "subdistricts", "communities", "grids", "roads"].includes(layer.key)).map((layer) => ({...layer, minzoom: layer.tiled[0]}))});
byId("map").setAttribute("aria-label", described());
window.gridward = {city};

/** The scenario: a question and what is changed in thought. */
const scenario = {kinds: [], radius_m: 3000, reach: "straight", mode: "walk", area: "", by: "community", changes: [], k: 3, objective: "max_covered"};
let stations = [];
let answer = null;
let sites = [];

// --- overlays -----------------------------------------------------------------------------------

const drawGaps = city.overlay("gaps", (colours) => [
  {type: "fill", paint: {"fill-color": colours.uncovered, "fill-opacity": 0.35}},
  {type: "line", paint: {"line-color": colours.uncovered, "line-width": 0.8}},
]);
const drawCircles = city.overlay("circles", (colours) => [
  {type: "fill", paint: {"fill-color": colours.covered, "fill-opacity": 0.05}},
  {type: "line", paint: {"line-color": colours.covered, "line-width": 1.2}},
]);
const drawDraft = city.overlay("draft", (colours) => [
  {type: "fill", filter: ["==", ["get", "role"], "finding"], paint: {"fill-color": colours.accent, "fill-opacity": 0.4}},
  {type: "line", filter: ["!=", ["get", "role"], "finding"], paint: {"line-color": colours.accent, "line-width": 2}},
  {type: "circle", filter: ["==", ["geometry-type"], "Point"], paint: {"circle-radius": 6, "circle-color": colours.accent, "circle-stroke-color": colours.ground, "circle-stroke-width": 2}},
]);
const drawStations = city.overlay("stations", (colours) => [
  {type: "circle", paint: {"circle-radius": ["case", ["get", "changed"], 8, 5.5],
    "circle-color": ["get", "colour"], "circle-stroke-color": ["case", ["get", "changed"], colours.accent, colours.ink], "circle-stroke-width": ["case", ["get", "changed"], 3, 1],
    "circle-opacity": ["case", ["get", "closed"], 0.25, 1]}},
]);
const drawSites = city.overlay("sites", (colours) => [
  {type: "circle", paint: {"circle-radius": 10, "circle-color": colours.accent, "circle-stroke-color": colours.ground, "circle-stroke-width": 2.5}},
  {type: "symbol", layout: {"text-field": ["get", "rank"], "text-size": 12, "text-allow-overlap": true}, paint: {"text-color": colours.ground}},
]);

function colourOf(kind) {
  return config.marks[kind]?.colour || "#56b4e9";
}

function placed() {
  const changed = new Map(scenario.changes.map((change) => [change.code, change]));
  const drawn = stations.filter((one) => !scenario.kinds.length || scenario.kinds.includes(one.properties.kind)).map((one) => {
    const change = changed.get(one.properties.code);
    return feature(change?.action === "move" ? {type: "Point", coordinates: [change.lon, change.lat]} : one.geometry,
      {...one.properties, colour: colourOf(one.properties.kind), changed: change?.action === "move", closed: change?.action === "close"});
  });
  for (const change of scenario.changes.filter((one) => one.action === "add")) {
    drawn.push(feature({type: "Point", coordinates: [change.lon, change.lat]}, {...change, colour: colourOf(change.kind), changed: true, closed: false}));
  }
  drawStations(drawn);
}

/** Colour the areas of the level by their share of people covered. */
function paintShares() {
  const layer = LEVEL_LAYER[scenario.by];
  city.shares(layer, new Map((answer?.areas || []).map((area) => [area.code, area.ratio])));
}

// --- coverage -----------------------------------------------------------------------------------

function question() {
  return {
    kinds: scenario.kinds, radius_m: scenario.radius_m, reach: scenario.reach, by: scenario.by,
    ...(scenario.reach === "network" ? {mode: scenario.mode} : {}), ...(scenario.area ? {area: scenario.area} : {}),
    ...(scenario.changes.length ? {changes: scenario.changes} : {}),
  };
}

let asking = null;

async function run() {
  remember();
  placed();
  asking?.abort();
  const mine = asking = new AbortController();
  byId("busy").textContent = t("计算中…", "Computing …");
  const asked = question();
  const [plain, changed] = await Promise.all([
    told(() => post("/v1/coverage", {...asked, changes: []}, {signal: mine.signal})),
    scenario.changes.length ? told(() => post("/v1/coverage", asked, {signal: mine.signal})) : null,
  ]);
  if (mine.signal.aborted) { return; }
  byId("busy").textContent = "";
  if (!plain) { return; }
  answer = plain;
  if (changed) {
    // with changes only the areas that differ are listed
    const differing = new Map(changed.areas.map((area) => [area.code, area]));
    answer = {...plain, before: plain.summary, summary: changed.summary, gaps: changed.gaps, areas: plain.areas.map((area) => differing.get(area.code) || area)};
  }
  drawAnswer();
}

function figure(title, value, was) {
  return h("div", {className: "gw-figure"}, h("dt", {}, title), h("dd", {}, value, was !== undefined && was !== null && h("small", {}, ` ${was}`)));
}

function gained(now, before) {
  if (before === undefined) { return null; }
  const by = now - before;
  return by === 0 ? t("不变", "no change") : `${by > 0 ? "+" : "−"}${whole(Math.abs(by))}`;
}

function drawAnswer() {
  const {summary, before} = answer;
  fill(byId("figures"), figure(t("已覆盖人口", "People covered"), whole(summary.people_covered), gained(summary.people_covered, before?.people_covered)),
    figure(t("覆盖率", "Share"), percent(summary.ratio), before && percent(before.ratio)),
    figure(t("未覆盖人口", "Not covered"), whole(summary.people_uncovered), gained(summary.people_uncovered, before?.people_uncovered)),
    figure(t("无法判定", "Not assessable"), whole(summary.not_assessable)));
  byId("means").textContent = scenario.reach === "network"
    ? t("分子：沿路网在半径内的常住人口；分母：可判定的常住人口。与直线口径不同，不可混用。", "People within reach along roads, of all who can be assessed. Not the straight-line figure.")
    : t("分子：到最近站点大地线距离不超过半径的常住人口；分母：全部常住人口。", "People whose geodesic distance to a station is at most the radius, of all residents.");
  const rows = [...answer.areas].sort((a, b) => b.people_uncovered - a.people_uncovered || (a.code < b.code ? -1 : 1));
  fill(byId("areas"), rows.length ? h("table", {}, h("thead", {}, h("tr", {}, [t("区域", "Area"), t("未覆盖", "Not covered"), t("覆盖率", "Share"), t("最近站点", "Nearest")].map((title) => h("th", {scope: "col"}, title)))),
    h("tbody", {}, rows.slice(0, 200).map((area) => h("tr", {}, h("th", {scope: "row"}, h("button", {type: "button", className: "gw-link", onclick: () => look(area.code)}, area.name)),
      h("td", {}, whole(area.people_uncovered)), h("td", {}, percent(area.ratio)), h("td", {}, distance(area.nearest_m))))))
    : nothing(t("所选范围内没有区域。", "There are no areas in that scope.")));
  byId("more").textContent = rows.length > 200 ? t(`只列出前 200 个，共 ${rows.length} 个区域。`, `The first 200 of ${rows.length} areas.`) : "";
  drawGaps(answer.gaps.features.filter((gap) => gap.geometry).map((gap) => feature(gap.geometry, {name: gap.properties.name, people: gap.properties.people})));
  paintShares();
  fill(byId("changes"), scenario.changes.length ? h("ul", {className: "gw-list"}, scenario.changes.map((change, number) => h("li", {className: "gw-row gw-between"},
    h("span", {}, `${{move: t("移动", "move"), close: t("关闭", "close"), add: t("新增", "add")}[change.action]} ${change.name || change.code}`),
    h("button", {type: "button", aria: {label: t("取消这项变更", "Take this change back")}, onclick: () => { scenario.changes.splice(number, 1); run(); }}, "✕"))))
    : h("p", {className: "gw-fine"}, t("拖动地图上的站点试试；点击站点可关闭，点击“新增站点”后在地图上放置。", "Drag a station on the map; click one to close it; press “Add a station” and click the map.")));
}

async function look(code) {
  const area = await told(() => get(`/v1/areas/${encodeURIComponent(code)}`));
  if (area) { city.fit([area], {maxZoom: 14}); }
}

// --- moving stations ----------------------------------------------------------------------------

function change(one) {
  scenario.changes = [...scenario.changes.filter((other) => other.code !== one.code), one];
  run();
}

let dragging = null;
let adding = false;
const canvas = () => city.view.getCanvas();

function begin(event) {
  const found = city.at(event.point, ["stations"])[0];
  if (!found || adding || found.properties.closed) { return; }
  event.preventDefault();
  dragging = {code: found.properties.code, name: found.properties.name, from: event.point, moved: false};
  city.view.dragPan.disable();
}

function drag(event) {
  if (!dragging) { canvas().style.cursor = city.at(event.point, ["stations"]).length ? "grab" : adding ? "crosshair" : ""; return; }
  dragging.moved ||= Math.hypot(event.point.x - dragging.from.x, event.point.y - dragging.from.y) > 4;
  if (!dragging.moved) { return; }
  scenario.changes = [...scenario.changes.filter((one) => one.code !== dragging.code), moveTo(dragging, event.lngLat)];
  placed();
}

function moveTo({code, name}, {lng, lat}) {
  const before = scenario.changes.find((one) => one.code === code);
  return before?.action === "add" ? {...before, lon: lng, lat} : {action: "move", code, name, lon: lng, lat};
}

async function drop(event) {
  if (!dragging) { return; }
  const held = dragging;
  dragging = null;
  city.view.dragPan.enable();
  if (held.moved) { change(moveTo(held, event.lngLat)); return; }
  const said = await ask(held.name || held.code, [h("p", {}, t("在方案中关闭此站点，查看影响？数据不会改动。", "Close this station in thought? Nothing is written."))], {submit: t("关闭站点", "Close it")});
  if (said) { change({action: "close", code: held.code}); }
}

for (const [down, move, up] of [["mousedown", "mousemove", "mouseup"], ["touchstart", "touchmove", "touchend"]]) {
  city.view.on(down, begin);
  city.view.on(move, drag);
  city.view.on(up, drop);
}
byId("add").addEventListener("click", () => {
  adding = !adding;
  byId("add").setAttribute("aria-pressed", String(adding));
  if (adding) { say(t("点击地图放置新站点；键盘按回车放在地图中心。", "Click the map to place it; Enter places it in the middle.")); }
});
function place(lon, lat) {
  adding = false;
  byId("add").setAttribute("aria-pressed", "false");
  const number = scenario.changes.filter((one) => one.action === "add").length + 1;
  change({action: "add", code: `new-${number}`, name: t(`新站点 ${number}`, `new station ${number}`), kind: scenario.kinds[0] || "service_station", lon, lat});
}
city.view.on("click", (event) => { if (adding) { place(event.lngLat.lng, event.lngLat.lat); } });
byId("map").addEventListener("keydown", (event) => { if (adding && event.key === "Enter") { const {lng, lat} = city.view.getCenter(); place(lng, lat); } });

// --- where next ---------------------------------------------------------------------------------

async function next() {
  byId("siting").disabled = true;
  fill(byId("sited"), h("p", {role: "status"}, t("正在寻找…", "Searching …")));
  const {kinds, radius_m, reach, mode} = scenario;
  const found = await told(() => post("/v1/siting", {objective: scenario.objective, k: scenario.k, kinds, radius_m, reach, ...(reach === "network" ? {mode} : {}), ...(scenario.area ? {area: scenario.area} : {}), seconds: 20}));
  byId("siting").disabled = false;
  if (!found) { fill(byId("sited"), nothing(t("没有得到方案。", "There is no plan."))); return; }
  sites = found.sites.features;
  drawSites(sites.map((site, number) => feature(site.geometry, {rank: String(number + 1)})));
  const proof = found.proof;
  const gap = proof.gap === null || proof.gap === undefined ? null : `${(proof.gap * 100).toFixed(2)}%`;
  fill(byId("sited"),
    h("table", {className: "gw-compare"}, h("thead", {}, h("tr", {}, h("td", {}), h("th", {scope: "col"}, t("现状", "Now")), h("th", {scope: "col"}, t(`新增 ${sites.length} 个后`, `With ${sites.length} more`)))),
      h("tbody", {}, [[t("已覆盖人口", "People covered"), whole(found.before.people_covered), whole(found.after.people_covered)],
        [t("覆盖率", "Share"), percent(found.before.ratio), percent(found.after.ratio)],
        [t("人均距离", "Mean distance"), distance(found.before.mean_distance_m), distance(found.after.mean_distance_m)],
        [t("最远距离", "Largest distance"), distance(found.before.largest_distance_m), distance(found.after.largest_distance_m)]].map(([title, a, b]) => h("tr", {}, h("th", {scope: "row"}, title), h("td", {}, a), h("td", {}, b))))),
    h("p", {className: "gw-fine"}, proof.status === "optimal" ? t("已证明最优：这些候选点中没有更好的方案。", "Proven optimal among these candidates.")
      : gap ? t(`任何方案至多再好 ${gap}。`, `No plan is better by more than ${gap}.`) : t("可行方案。", "A feasible plan.")),
    h("ol", {className: "gw-list"}, sites.map((site) => h("li", {}, h("button", {type: "button", onclick: () => city.view.flyTo({center: site.geometry.coordinates, zoom: 13})},
      h("span", {}, site.properties.name || site.properties.code), h("small", {}, site.properties.people_added !== undefined ? `+${whole(site.properties.people_added)} ${t("人", "people")}` : ""))))),
    h("button", {type: "button", onclick: () => {
      scenario.changes = [...scenario.changes, ...sites.map((site, number) => ({action: "add", code: `site-${number + 1}`, name: site.properties.name || `site ${number + 1}`, kind: kinds[0] || "service_station", lon: site.geometry.coordinates[0], lat: site.geometry.coordinates[1]}))];
      run();
    }}, t("并入方案，按区域查看", "Put them into the scenario")));
}

// --- the scenario: kept in the address, saved by name -------------------------------------------

function remember() {
  const plain = JSON.stringify(scenario);
  history.replaceState(null, "", `#scenario=${encodeURIComponent(plain)}`);
}

function restore() {
  const said = new URLSearchParams(location.hash.slice(1)).get("scenario");
  if (!said) { return; }
  try { Object.assign(scenario, JSON.parse(said)); } catch { say(t("链接中的方案无法读取。", "The scenario in the link cannot be read."), {bad: true}); }
}

const SAVED = "gridward-scenarios";
function saved() { try { return JSON.parse(localStorage.getItem(SAVED) || "[]"); } catch { return []; } }
function drawSaved() {
  const list = saved();
  fill(byId("saved"), list.length ? list.map((one, number) => h("li", {className: "gw-row gw-between"},
    h("a", {href: `#scenario=${encodeURIComponent(JSON.stringify(one.scenario))}`, onclick: () => setTimeout(() => location.reload())}, one.name),
    h("button", {type: "button", aria: {label: t(`删除${one.name}`, `Delete ${one.name}`)}, onclick: () => { localStorage.setItem(SAVED, JSON.stringify(list.filter((_, at) => at !== number))); drawSaved(); }}, "✕")))
    : h("li", {}, nothing(t("还没有保存的方案。", "No scenario is saved yet."))));
}
byId("save").addEventListener("click", async () => {
  const said = await ask(t("保存方案", "Save the scenario"), [h("label", {}, h("span", {}, t("名称", "Name")), h("input", {name: "name", type: "text", required: true, maxLength: 60}))], {submit: t("保存", "Save")});
  if (said) { localStorage.setItem(SAVED, JSON.stringify([...saved(), {name: said.name, scenario}])); drawSaved(); say(t("已保存在本机；用“复制链接”分享给同事。", "Saved in this browser; share it by its link.")); }
});
byId("link").addEventListener("click", async () => {
  remember();
  try { await navigator.clipboard.writeText(location.href); say(t("链接已复制，同事打开即是同一方案。", "Link copied: it opens the same scenario.")); } catch { say(t("请复制地址栏中的链接。", "Copy the address of this page.")); }
});

// --- controls -----------------------------------------------------------------------------------

function bind(id, key, read = (input) => input.value) {
  const input = byId(id);
  input.value = scenario[key];
  input.addEventListener("change", () => { scenario[key] = read(input); sync(); run(); });
}

function sync() {
  byId("radius-words").textContent = distance(scenario.radius_m);
  byId("mode").disabled = scenario.reach !== "network";
  for (const level of Object.values(LEVEL_LAYER)) {
    const layer = city.layers.find((one) => one.key === level);
    if (layer) { city.show(level, level === LEVEL_LAYER[scenario.by] || level === "counties"); }
  }
}

function tabs() {
  const list = [...document.querySelectorAll("[role=tab]")];
  const show = (id) => {
    for (const tab of list) {
      const on = tab.id === id;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = !on;
    }
    if (id === "tab-circles") { circles({list: byId("circle-list"), draw: drawCircles, city, area: scenario.area}); } else { drawCircles([]); }
    if (id === "tab-drafts") { drafts({list: byId("draft-list"), draw: drawDraft, city}); } else { drawDraft([]); }
  };
  for (const [number, tab] of list.entries()) {
    tab.addEventListener("click", () => show(tab.id));
    tab.addEventListener("keydown", (event) => {
      const by = {ArrowRight: 1, ArrowLeft: -1}[event.key];
      if (by) { const other = list[(number + by + list.length) % list.length]; show(other.id); other.focus(); }
    });
  }
}

restore();
const [counties, items] = await Promise.all([
  told(() => all("/v1/areas?level=county&limit=200", 200)),
  told(() => get("/ogc/collections/stations/items?f=json&limit=1000")),
]);
stations = items ? items.features : [];
byId("area").append(...(counties || []).map((area) => h("option", {value: area.code}, area.name)));
fill(byId("kinds"), Object.entries(config.marks).map(([kind, mark]) => h("label", {}, h("input", {type: "checkbox", checked: scenario.kinds.includes(kind), onchange: (event) => {
  scenario.kinds = event.target.checked ? [...scenario.kinds, kind] : scenario.kinds.filter((one) => one !== kind);
  run();
}}), h("i", {className: "gw-key gw-key-point", style: {"--colour": mark.colour}, aria: {hidden: true}}), titled(mark))));
bind("area", "area");
bind("radius", "radius_m", (input) => Number(input.value));
byId("radius").addEventListener("input", () => { byId("radius-words").textContent = distance(Number(byId("radius").value)); });
bind("reach", "reach");
bind("mode", "mode");
bind("by", "by");
for (const [id, key] of [["k", "k"], ["objective", "objective"]]) {
  byId(id).value = scenario[key];
  byId(id).addEventListener("change", () => { scenario[key] = key === "k" ? Number(byId(id).value) : byId(id).value; remember(); });
}
byId("siting").addEventListener("click", next);
if (!["planner", "admin"].includes(config.user.role)) { byId("siting").disabled = true; byId("siting").title = t("选址需要规划员角色", "Siting needs the role planner"); }
tabs();
drawSaved();
sync();
city.ready.then(paintShares);
const again = settled(run, 50);
again();
tour("plan", [
  ["controls", t("问一个问题", "Ask"), t("选区域、站点类别、半径、直线或沿路，结果立即更新。", "Choose area, kinds, radius, straight or along roads: the answer follows at once.")],
  ["map", t("动手试一试", "Try it"), t("拖动站点，看已覆盖人口怎么变；数据不会被改动。", "Drag a station and see the people covered change; nothing is written.")],
  ["tab-next", t("下一个建在哪里", "Where next"), t("给出数量和目标，得到附证明的方案。", "Say how many and what for: you get a plan with its proof.")],
]);
