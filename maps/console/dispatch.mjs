/** `/dispatch`: the live queue in lanes, a case beside the map, one key to confirm. */

import {first, get, listen, told} from "./api.mjs";
import {Case, SOURCES} from "./case.mjs";
import {CityMap, described, feature} from "./map.mjs";
import {byId, config, fill, h, moment, nothing, remaining, settled, t} from "./page.mjs";
import {tour} from "./tour.mjs";

// the cases are what this map is about: stations come only near to
const city = new CityMap(byId("map"), {layers: config.layers.map((layer) => (layer.key === "stations" ? {...layer, minzoom: 13} : layer))});
byId("map").setAttribute("aria-label", described());
const categories = new Map();

/** Lane -> where its rows come from. Rows are told apart by the event that they belong to. */
const LANES = [
  {key: "review", zh: "待研判", en: "To review", url: "/v1/events?status=review", none: ["没有待研判的案件。", "Nothing to review."], more: ["拿不准的新案件会出现在这里。", "New doubtful cases appear here."]},
  {key: "unrouted", zh: "无人接", en: "Unrouted", url: "/v1/events?status=unrouted", also: ["/v1/events?status=outside", "/v1/events?status=registered"], none: ["没有无人接的案件。", "Nothing unrouted."], more: ["没有责任人或不在辖区内的案件会出现在这里。", "Cases without anybody responsible, or outside, appear here."]},
  {key: "running", zh: "办理中", en: "Running", url: "/v1/work-orders?status=open&overdue=false", none: ["没有办理中的工单。", "Nothing is running."], more: ["已派出的工单会出现在这里。", "Dispatched work orders appear here."]},
  {key: "overdue", zh: "超期", en: "Overdue", url: "/v1/work-orders?status=open&overdue=true", none: ["没有超期工单。", "Nothing is overdue."], more: ["超过时限的工单会出现在这里。", "Work orders past their limit appear here."]},
];
const PAGE = 40; // what a lane shows at first, and how many more at a time: most is never scrolled to
const rows = new Map(LANES.map((lane) => [lane.key, []]));
const wanted = new Map(LANES.map((lane) => [lane.key, PAGE]));
const longer = new Set(); // lanes that hold more than is shown
const totals = new Map(); // of each lane, as it is said
const hints = new URLSearchParams(location.hash.slice(1));
let lane = LANES.some((one) => one.key === hints.get("lane")) ? hints.get("lane") : "review";

const drawQueue = city.overlay("queue", (colours) => [
  {type: "circle", paint: {"circle-radius": ["interpolate", ["linear"], ["zoom"], 8, 4, 14, 7], "circle-color": ["case", ["get", "late"], colours.accent, colours.covered], "circle-stroke-color": colours.land, "circle-stroke-width": 1.5}},
]);
city.view.on("click", (event) => { const found = opened.picking ? null : city.at(event.point, ["queue"])[0]; if (found) { open(found.properties.id); } });
city.view.on("mousemove", (event) => { city.view.getCanvas().style.cursor = city.at(event.point, ["queue"]).length ? "pointer" : ""; });

const opened = new Case(byId("case"), city, {changed: () => reload(), categories});
window.gridward = {city, opened};

// --- lists --------------------------------------------------------------------------------------

function asRow(item) {
  const event = item.event || item;
  return {
    id: event.id, number: event.number, title: event.title || categories.get(event.category) || t("未命名", "untitled"),
    address: event.address || (item.unit ? item.unit.name : t("无地址", "no address")), point: event.point, source: event.source, category: event.category,
    worker: item.assignee ? item.assignee.name : "", due_at: item.due_at, overdue: item.overdue,
    state: item.status_title, at: item.dispatched_at || item.received_at,
  };
}

function filters() {
  const asked = new URLSearchParams();
  if (byId("q").value.trim()) { asked.set("q", byId("q").value.trim()); }
  for (const id of ["category", "source"]) { if (byId(id).value) { asked.set(id, byId(id).value); } }
  return asked;
}

async function load(one) {
  const asked = filters();
  const most = wanted.get(one.key);
  const found = await Promise.all([one.url, ...(one.also || [])].map((url) => told(() => first(`${url}&count=true&limit=${Math.min(most, 200)}${asked.size ? `&${asked}` : ""}`, most))));
  if (found.some((list) => list === undefined) || wanted.get(one.key) !== most) { return; } // more was asked for meanwhile
  rows.set(one.key, found.flatMap((list) => list.items).map(asRow));
  longer[found.some((list) => list.more) ? "add" : "delete"](one.key);
  // a list of more than can be counted quickly has no total
  totals.set(one.key, found.some((list) => list.total === null) ? "10000+" : String(found.reduce((sum, list) => sum + list.total, 0)));
}

/** Show the next rows of the lane in view. */
async function more() {
  const one = LANES.find((each) => each.key === lane);
  const shown = rows.get(lane).length;
  wanted.set(lane, wanted.get(lane) + PAGE);
  await load(one);
  drawLanes();
  byId("list").querySelectorAll("li button")[shown]?.focus();
}

async function reload() {
  await Promise.all(LANES.map(load));
  drawLanes();
}

function remember() {
  const said = new URLSearchParams({lane});
  if (opened.event) { said.set("case", opened.event.id); }
  history.replaceState(null, "", `#${said}`);
}

function drawLanes() {
  fill(byId("lanes"), LANES.map((one) => h("button", {
    type: "button", role: "tab", id: `tab-${one.key}`, aria: {selected: one.key === lane, controls: "list"}, tabIndex: one.key === lane ? 0 : -1,
    onclick: () => { lane = one.key; remember(); drawLanes(); },
  }, t(one.zh, one.en), h("b", {className: one.key === "overdue" && rows.get(one.key).length ? "gw-count gw-late" : "gw-count"}, totals.get(one.key) ?? "0"))));
  const one = LANES.find((each) => each.key === lane);
  drawQueue(rows.get(lane).filter((row) => row.point && row.id !== opened.event?.id).map((row) => feature({type: "Point", coordinates: [row.point.lon, row.point.lat]}, {id: row.id, late: Boolean(row.overdue)})));
  byId("list").setAttribute("aria-labelledby", `tab-${lane}`);
  fill(byId("list"), rows.get(lane).length ? h("ul", {className: "gw-queue"}, rows.get(lane).map((row) => h("li", {},
    h("button", {type: "button", data: {id: row.id}, aria: {current: opened.event?.id === row.id ? "true" : null}, onclick: () => open(row.id)},
      h("span", {className: "gw-row gw-between"}, h("strong", {}, row.title), row.due_at ? h("span", {className: row.overdue ? "gw-clock gw-late" : "gw-clock"}, remaining(row.due_at)) : h("small", {}, moment(row.at))),
      h("span", {className: "gw-cut"}, row.address),
      h("small", {}, [row.number, row.source && SOURCES[row.source] && t(...SOURCES[row.source]), row.state, row.worker].filter(Boolean).join(" · "))))),
      longer.has(lane) && h("li", {}, h("button", {type: "button", id: "more", className: "gw-more", onclick: more}, t("显示更多", "Show more"))))
    : nothing(t(...one.none), filters().size ? t("正在按条件筛选，清空搜索和筛选后可见全部。", "A search or filter is set: clear it to see all.") : t(...one.more)));
}

async function open(id) {
  await opened.settle();
  document.body.classList.add("gw-case-open");
  await opened.open(id);
  remember();
  drawLanes();
}

/** Open the row after (or before) the one that is open. */
function step(by) {
  const list = rows.get(lane);
  if (!list.length) { return; }
  const now = list.findIndex((row) => row.id === opened.event?.id);
  if (by > 0 && now === list.length - 1 && longer.has(lane)) { more().then(() => rows.get(lane).length > list.length && step(by)); return; }
  const next = list[Math.max(0, Math.min(list.length - 1, now < 0 ? 0 : now + by))];
  open(next.id).then(() => byId("list").querySelector(`[data-id="${next.id}"]`)?.focus());
}

// --- keys, filters, live ------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|TEXTAREA|SELECT/.test(event.target.tagName) || document.querySelector("dialog[open]")) { return; }
  const key = event.key.toLowerCase();
  if (key === "j") { step(1); } else if (key === "k") { step(-1); } else if (key === "z") { opened._undo(); } else if (key === "/") { event.preventDefault(); byId("q").focus(); } else if (key === "escape") { document.body.classList.remove("gw-case-open"); } else if (/^[1-5]$/.test(key) && opened.event) {
    const candidate = opened.candidates()[Number(key) - 1];
    if (candidate && opened.can("confirm_grid")) { opened.confirm(candidate.code, candidate.name); }
  }
});
byId("lanes").addEventListener("keydown", (event) => {
  const by = {ArrowRight: 1, ArrowLeft: -1}[event.key];
  if (!by) { return; }
  lane = LANES[(LANES.findIndex((one) => one.key === lane) + by + LANES.length) % LANES.length].key;
  drawLanes();
  byId(`tab-${lane}`).focus();
});
const again = settled(() => { for (const one of LANES) { wanted.set(one.key, PAGE); } return reload(); }, 300);
for (const id of ["q", "source", "category"]) { byId(id).addEventListener("input", again); }
byId("back").addEventListener("click", () => document.body.classList.remove("gw-case-open"));

const live = settled(reload, 700);
listen(["event.created", "event.routed", "work_order.changed"], (_topic, message) => {
  live();
  if (opened.event && !opened.held && [message.id, message.event, message.event_id].includes(opened.event.id)) { opened.refresh(); }
}, (alive) => {
  byId("line").classList.toggle("gw-alive", alive);
  byId("line").title = alive ? t("实时更新中", "live") : t("连接中断，正在重连", "reconnecting");
  if (alive) { live(); }
});
setInterval(drawLanes, 60000);

const known = await told(() => get("/v1/categories"));
for (const category of known ? known.items : []) { categories.set(category.key, t(category.title_zh, category.title_en)); }
byId("category").append(...[...categories].map(([value, title]) => h("option", {value}, title)));
byId("source").append(...Object.entries(SOURCES).map(([value, words]) => h("option", {value}, t(...words))));
opened.close();
await reload();
if (hints.get("case")) { await open(hints.get("case")); }
tour("dispatch", [
  ["lanes", t("四个队列", "Four lanes"), t("拿不准的、没人接的、正在办的、超期的，各成一列，实时更新。", "Doubtful, unrouted, running, overdue: each a lane, always live.")],
  ["list", t("选一个案件", "Choose a case"), t("点击或按 J / K，案件在地图旁打开，候选网格按把握深浅上色。", "Click, or press J and K: it opens beside the map, candidates shaded by probability.")],
  ["case", t("一键确认", "One key"), t("按 1–3 派给候选网格，5 秒内按 Z 可撤销。", "Press 1 to 3 to send it; Z takes it back within 5 seconds.")],
]);
