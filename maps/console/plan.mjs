/** `/plan`: who is reached, what if, where next, the employment circles, boundary drafts. */

import {all, features, get, post, told} from "./api.mjs";
import {circles} from "./circles.mjs";
import {oneMap, withChanges} from "./compare.mjs";
import {drafts} from "./drafts.mjs";
import {CityMap, described, feature} from "./map.mjs";
import {ask, byId, config, distance, fill, h, nothing, percent, say, settled, t, titled, whole} from "./page.mjs";
import {legend, LEVEL_LAYER, PAINTS, shareBands} from "./paints.mjs";
import {maySave, scenarios} from "./scenarios.mjs";
import {sitingQuestion, whereNext} from "./siting.mjs";
import {tour} from "./tour.mjs";

const city = new CityMap(byId("map"), {layers: config.layers.filter((layer) => ["counties", "subdistricts", "communities", "grids", "roads"].includes(layer.key)).map((layer) => ({...layer, minzoom: layer.tiled[0]}))});
byId("map").setAttribute("aria-label", described());
window.gridward = {city};

/** The scenario: a question and what is changed in thought. */
const scenario = {kinds: [], radius_m: 3000, reach: "straight", mode: "walk", area: "", by: "community", changes: [], k: 3, objective: "max_covered"};
let stations = [];
let answer = null;
let view = "tab-cover";

const drawn = Object.fromEntries(Object.entries(PAINTS).map(([id, paint]) => [id, city.overlay(id, paint, {under: id === "gaps"})]));
legend(byId("map"));

function colourOf(kind) {
  return config.marks[kind]?.colour || "#56b4e9";
}

/** The stations as the scenario has them. */
function placed() {
  const changed = new Map(scenario.changes.map((change) => [change.code, change]));
  const kinds = view === "tab-circles" ? ["job_service"] : scenario.kinds;
  const shown = stations.filter((one) => !kinds.length || kinds.includes(one.properties.kind)).map((one) => {
    const change = changed.get(one.properties.code);
    return feature(change?.action === "move" ? {type: "Point", coordinates: [change.lon, change.lat]} : one.geometry,
      {...one.properties, colour: colourOf(one.properties.kind), changed: change?.action === "move", closed: change?.action === "close"});
  });
  for (const change of scenario.changes.filter((one) => one.action === "add")) {
    shown.push(feature({type: "Point", coordinates: [change.lon, change.lat]}, {...change, colour: colourOf(change.kind), changed: true, closed: false}));
  }
  return shown;
}

const drawStations = () => drawn.stations(placed());

/** Colour the areas of the level by their share of people covered, and the gaps; other views have no use for them. */
function paintShares() {
  const covers = view === "tab-cover" || view === "tab-next";
  city.shares(shareBands(scenario.by, covers && answer ? answer.areas : []), "gaps-0");
  drawn.gaps(covers && answer ? answer.gaps.features.filter((gap) => gap.geometry) : []);
  byId("map").querySelector(".gw-legend").hidden = !covers;
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
  oneMap();
  drawStations();
  if (view === "tab-circles") { showCircles(); }
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
    answer = withChanges(plain, changed);
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
    scenario.reach === "network" ? figure(t("无法判定", "Not assessable"), whole(summary.not_assessable)) : figure(t("站点", "Stations"), whole(summary.stations), gained(summary.stations, before?.stations)));
  byId("means").textContent = scenario.reach === "network"
    ? t("分子：沿路网在半径内的常住人口；分母：可判定的常住人口。与直线口径不同，不可混用。", "People within reach along roads, of all who can be assessed. Not the straight-line figure.")
    : t("分子：到最近站点大地线距离不超过半径的常住人口；分母：全部常住人口。", "People whose geodesic distance to a station is at most the radius, of all residents.");
  const rows = [...answer.areas].sort((a, b) => b.people_uncovered - a.people_uncovered || (a.code < b.code ? -1 : 1));
  fill(byId("areas"), rows.length ? h("table", {}, h("thead", {}, h("tr", {}, [t("区域", "Area"), t("未覆盖", "Not covered"), t("覆盖率", "Share"), t("最近站点", "Nearest")].map((title) => h("th", {scope: "col"}, title)))),
    h("tbody", {}, rows.slice(0, 200).map((area) => h("tr", {}, h("th", {scope: "row"}, h("button", {type: "button", className: "gw-link", onclick: () => look(area.code)}, area.name)),
      h("td", {}, whole(area.people_uncovered)), h("td", {}, percent(area.ratio)), h("td", {}, distance(area.nearest_m))))))
    : nothing(t("所选范围内没有区域。", "There are no areas in that scope.")));
  byId("more").textContent = rows.length > 200 ? t(`只列出前 200 个，共 ${rows.length} 个区域。`, `The first 200 of ${rows.length} areas.`) : "";
  paintShares();
  fill(byId("changes"), scenario.changes.length ? h("ul", {className: "gw-list"}, scenario.changes.map((change, number) => h("li", {className: "gw-row gw-between gw-change"},
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
let adding = null; // true, or the station that is moved
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
  drawStations();
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
  await treat(held);
}

/** Ask what the scenario does with a station: nothing of it is written into the city. */
async function treat(station) {
  const said = await ask(station.name || station.code, [
    h("label", {}, h("span", {}, t("在方案中", "In the scenario")), h("select", {name: "what"}, h("option", {value: "close"}, t("关闭此站点", "close this station")), h("option", {value: "move"}, t("移到别处", "move it elsewhere")))),
    h("p", {className: "gw-fine"}, t("只影响方案，城市数据不会改动。", "Only the scenario changes, not the city's data."))]);
  if (said?.what === "close") { change({action: "close", code: station.code, name: station.name}); }
  if (said?.what === "move") { put(station); }
}

for (const [down, move, up] of [["mousedown", "mousemove", "mouseup"], ["touchstart", "touchmove", "touchend"]]) {
  city.view.on(down, begin);
  city.view.on(move, drag);
  city.view.on(up, drop);
}
byId("add").addEventListener("click", () => {
  if (adding) { put(null); } else { put(true); }
});
function put(what) {
  adding = what;
  byId("add").setAttribute("aria-pressed", String(what === true));
  if (what) { say(t("点击地图放置站点；键盘按回车放在地图中心。", "Click the map to place it; Enter places it in the middle.")); }
}
function place(lon, lat) {
  const what = adding;
  put(null);
  if (what !== true) { change(moveTo(what, {lng: lon, lat})); return; }
  const number = scenario.changes.filter((one) => one.action === "add").length + 1;
  change({action: "add", code: `new-${number}`, name: t(`新站点 ${number}`, `new station ${number}`), kind: scenario.kinds[0] || "service_station", lon, lat});
}
city.view.on("click", (event) => { if (adding) { place(event.lngLat.lng, event.lngLat.lat); } });
byId("map").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target !== canvas()) { return; }
  const centre = city.view.getCenter();
  if (adding) { place(centre.lng, centre.lat); return; }
  const {x, y} = city.view.project(centre);
  const found = city.at([[x - 20, y - 20], [x + 20, y + 20]], ["stations"])[0];
  if (found) { treat(found.properties); } else { say(t("把站点移到地图中心再按回车，可关闭或移动它。", "Bring a station to the middle and press Enter to close or move it.")); }
});

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

byId("print").addEventListener("click", () => window.print());
byId("link").addEventListener("click", async () => {
  remember();
  try { await navigator.clipboard.writeText(location.href); say(t("链接已复制，同事打开即是同一方案。", "Link copied: it opens the same scenario.")); } catch { say(t("请复制地址栏中的链接。", "Copy the address of this page.")); }
});

// --- controls -----------------------------------------------------------------------------------

function bind(id, key, read = (input) => input.value) {
  const input = byId(id);
  input.addEventListener("change", () => { scenario[key] = read(input); sync(); run(); });
}

function sayRadius(metres) {
  byId("radius-words").textContent = metres < 1000 ? distance(metres) : `${metres / 1000} ${t("公里", "km")}`;
}

function sync() {
  sayRadius(scenario.radius_m);
  byId("mode").disabled = scenario.reach !== "network";
  for (const level of Object.values(LEVEL_LAYER)) {
    const layer = city.layers.find((one) => one.key === level);
    if (layer) { city.show(level, level === LEVEL_LAYER[scenario.by] || level === "counties"); }
  }
}

function showCircles() {
  circles({list: byId("circle-list"), draw: drawn.circles, city, asked: scenario});
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
    view = id;
    oneMap();
    byId("controls").hidden = id === "tab-drafts";
    for (const key of ["kinds", "by"]) { byId(key).parentElement.hidden = id === "tab-circles"; } // circles are of job services, by community
    if (id === "tab-circles") { showCircles(); } else { drawn.circles([]); }
    if (id === "tab-drafts") { drafts({list: byId("draft-list"), draw: drawn.draft, city}); } else { drawn.draft([]); }
    drawStations();
    if (id !== "tab-next") { drawn.sites([]); fill(byId("sited")); }
    paintShares();
  };
  for (const [number, tab] of list.entries()) {
    tab.disabled = false; // until here a click would be lost
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
  told(() => features("/ogc/collections/stations/items?f=json&limit=1000")),
]);
stations = items || [];
byId("area").append(...(counties || []).map((area) => h("option", {value: area.code}, area.name)));
/** Show the scenario in the controls. */
function controls() {
  for (const [id, key] of [["area", "area"], ["radius", "radius_m"], ["reach", "reach"], ["mode", "mode"], ["by", "by"], ["k", "k"], ["objective", "objective"]]) { byId(id).value = scenario[key]; }
  for (const box of byId("kinds").querySelectorAll("input")) { box.checked = scenario.kinds.includes(box.value); }
  sync();
}

fill(byId("kinds"), Object.entries(config.marks).map(([kind, mark]) => h("label", {}, h("input", {type: "checkbox", value: kind, checked: scenario.kinds.includes(kind), onchange: (event) => {
  scenario.kinds = event.target.checked ? [...scenario.kinds, kind] : scenario.kinds.filter((one) => one !== kind);
  run();
}}), h("i", {className: "gw-key gw-key-point", style: {"--colour": mark.colour}, aria: {hidden: true}}), titled(mark))));
bind("area", "area");
bind("radius", "radius_m", (input) => Number(input.value));
byId("radius").addEventListener("input", () => sayRadius(Number(byId("radius").value)));
bind("reach", "reach");
bind("mode", "mode");
bind("by", "by");
for (const [id, key] of [["k", "k"], ["objective", "objective"]]) {
  byId(id).addEventListener("change", () => { scenario[key] = key === "k" ? Number(byId(id).value) : byId(id).value; remember(); });
}
whereNext({scenario, city, question, stations: placed, draw: drawn.sites, level: () => scenario.by,
  adopt: (changes) => { scenario.changes = [...scenario.changes, ...changes]; byId("tab-cover").click(); run(); }});
scenarios({
  question: () => (view === "tab-next" ? {siting: sitingQuestion(scenario)} : {coverage: question()}),
  open: (kind, asked) => {
    const {objective, k} = scenario;
    const {kinds, radius_m, reach, mode, area, by, changes} = asked;
    Object.assign(scenario, {kinds: kinds || [], radius_m, reach, mode: mode || "walk", area: area || "", by: by || "community", changes: changes || [], objective: asked.objective || objective, k: asked.k || k});
    controls();
    byId(kind === "siting" ? "tab-next" : "tab-cover").click();
    run();
    if (kind === "siting") { byId("siting").click(); }
  },
});
if (!maySave()) { byId("siting").disabled = true; byId("siting").title = t("选址需要规划员角色", "Siting needs the role planner"); }
tabs();
controls();
city.ready.then(paintShares);
const again = settled(run, 50);
again();
tour("plan", [
  ["controls", t("问一个问题", "Ask"), t("选区域、站点类别、半径、直线或沿路，结果立即更新。", "Choose area, kinds, radius, straight or along roads: the answer follows at once.")],
  ["map", t("动手试一试", "Try it"), t("拖动站点，看已覆盖人口怎么变；数据不会被改动。", "Drag a station and see the people covered change; nothing is written.")],
  ["tab-next", t("下一个建在哪里", "Where next"), t("给出数量和目标，得到附证明的方案。", "Say how many and what for: you get a plan with its proof.")],
]);
