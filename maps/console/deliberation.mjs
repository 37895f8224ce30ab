/** `/deliberation`: community matters and people's proposals by step, on the map, with what may be done next. */

import {Problem, all, get, listen, post, told} from "./api.mjs";
import {CityMap, described, feature} from "./map.mjs";
import {newKey} from "./outbox.mjs";
import {ask, byId, config, fill, h, moment, nothing, percent, remaining, say, settled, t} from "./page.mjs";
import {tour} from "./tour.mjs";

const MOST = 200;
const city = new CityMap(byId("map"), {layers: config.layers.map((layer) => (layer.key === "stations" ? {...layer, minzoom: 13} : layer))});
byId("map").setAttribute("aria-label", described());

/** The six steps; a lane holds the items that wait for the next one. */
const LANES = [
  {key: "raised", states: ["raised", "valid"], zh: "点事", en: "Raised"},
  {key: "set", states: ["set"], zh: "定事", en: "Agenda"},
  {key: "discussing", states: ["discussing"], zh: "议事", en: "Discussed"},
  {key: "decided", states: ["decided"], zh: "决事", en: "Decided"},
  {key: "doing", states: ["doing"], zh: "办事", en: "At work"},
  {key: "done", states: ["done"], zh: "评事", en: "To assess"},
  {key: "ended", states: ["assessed", "declined", "withdrawn"], zh: "已结", en: "Ended"},
];
const rows = new Map(LANES.map((one) => [one.key, []]));
const hints = new URLSearchParams(location.hash.slice(1));
let lane = LANES.some((one) => one.key === hints.get("lane")) ? hints.get("lane") : "raised";
let item = null;
let wanted = null; // the id of what is to be seen: an answer about another item comes too late

const drawPlaces = city.overlay("items", (colours) => [
  {type: "circle", paint: {"circle-radius": ["case", ["get", "main"], 9, 6], "circle-color": ["case", ["get", "late"], colours.accent, colours.covered], "circle-stroke-color": ["case", ["get", "main"], colours.ink, colours.land], "circle-stroke-width": ["case", ["get", "main"], 2.5, 1.5]}},
]);
city.view.on("click", (event) => { const found = city.at(event.point, ["items"])[0]; if (found) { open(found.properties.id); } });
city.view.on("mousemove", (event) => { city.view.getCanvas().style.cursor = city.at(event.point, ["items"]).length ? "pointer" : ""; });
window.gridward = {city};

// --- lists ----------------------------------------------------------------------------------------

async function load(one) {
  const asked = new URLSearchParams({limit: String(MOST)});
  if (byId("kind").value) { asked.set("kind", byId("kind").value); }
  if (byId("overdue").checked) { asked.set("overdue", "true"); }
  const found = await Promise.all(one.states.map((status) => told(() => all(`/v1/deliberations?status=${status}&${asked}`, MOST))));
  if (!found.includes(undefined)) { rows.set(one.key, found.flat().sort((a, b) => (a.due_at || a.closed_at || "9") < (b.due_at || b.closed_at || "9") ? -1 : 1)); }
}

async function reload() {
  await Promise.all([...LANES.map(load), rates()]);
  drawLanes();
}

async function rates() {
  const found = await told(() => get("/v1/deliberations/conversion?kind=proposal&by=county"));
  if (!found) { return; }
  const {summary} = found;
  fill(byId("rates"), [
    [t("人民建议", "Proposals"), t(`收到 ${summary.received} 条`, `${summary.received} received`)],
    [t("有效率", "Valid"), percent(summary.valid_rate)],
    [t("采纳率", "Adopted"), percent(summary.adoption_rate)],
    [t("转化率", "Carried out"), percent(summary.conversion_rate)],
  ].map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

function remember() {
  const said = new URLSearchParams({lane});
  if (item) { said.set("item", item.id); }
  history.replaceState(null, "", `#${said}`);
}

function choose(key) {
  lane = key;
  remember();
  drawLanes();
}

function drawLanes() {
  fill(byId("lanes"), LANES.map((one) => {
    const held = rows.get(one.key);
    const late = held.some((row) => row.overdue);
    return h("button", {type: "button", role: "tab", id: `tab-${one.key}`, aria: {selected: one.key === lane, controls: "list"}, tabIndex: one.key === lane ? 0 : -1, onclick: () => choose(one.key)},
      t(one.zh, one.en), h("b", {className: late ? "gw-count gw-late" : "gw-count"}, held.length >= MOST ? `${MOST}+` : String(held.length), late && h("span", {className: "gw-hidden"}, t("，有超时", ", some late"))));
  }));
  const shown = rows.get(lane);
  const placed = [...shown.filter((row) => row.id !== item?.id), ...(item ? [item] : [])].filter((row) => row.point);
  drawPlaces(placed.map((row) => feature({type: "Point", coordinates: [row.point.lon, row.point.lat]}, {id: row.id, late: row.overdue, main: row.id === item?.id})));
  byId("list").setAttribute("aria-labelledby", `tab-${lane}`);
  fill(byId("list"), shown.length ? h("ul", {className: "gw-queue"}, shown.map((row) => h("li", {},
    h("button", {type: "button", data: {id: row.id}, aria: {current: item?.id === row.id ? "true" : null}, onclick: () => open(row.id)},
      h("span", {className: "gw-row gw-between"}, h("strong", {}, row.title), until(row)),
      h("small", {}, [row.kind_title, row.status_title, row.number].join(" · "))))))
    : nothing(t("这一步没有事项。", "Nothing stands at this step."), t("居民、网格员和社区提出的事项会按步骤出现在这里。", "What residents, workers and the community raise appears here, step by step.")));
}

function until(row) {
  if (row.closed_at) { return h("small", {}, moment(row.closed_at)); }
  return row.due_at ? h("span", {className: row.overdue ? "gw-clock gw-late" : "gw-clock"}, remaining(row.due_at)) : h("small", {}, t("无时限", "no limit"));
}

// --- one item -------------------------------------------------------------------------------------

async function open(id, {fit = true} = {}) {
  wanted = id;
  document.body.classList.add("gw-case-open");
  const found = await told(() => get(`/v1/deliberations/${id}`));
  if (found) { found.area_name = await get(`/v1/areas/${encodeURIComponent(found.area)}`).then((area_) => area_.properties.name, () => found.area); }
  if (wanted !== id) { return; }
  if (!found) { wanted = item?.id ?? null; return; }
  item = found;
  const home = LANES.find((one) => one.states.includes(item.status));
  if (home && !rows.get(lane).some((row) => row.id === id)) { lane = home.key; }
  draw();
  remember();
  drawLanes();
  if (fit && item.point) { city.fit([feature({type: "Point", coordinates: [item.point.lon, item.point.lat]})], {maxZoom: 14}); }
}

function close() {
  document.body.classList.remove("gw-case-open");
  item = wanted = null;
  draw();
  remember();
  drawLanes();
}

function draw() {
  if (!item) {
    fill(byId("item"), nothing(t("选择左侧的事项查看。", "Choose an item on the left."), t("键盘：J / K 上下选择。", "Keyboard: J and K move.")));
    return;
  }
  const facts = [
    [t("内容", "Says"), item.description], [t("区域", "Area"), item.area_name],
    [t("时限", "Due"), item.due_at && !item.closed_at && [moment(item.due_at), " · ", until(item)]],
    [t("决定", "Decision"), item.decision], [t("评分", "Score"), item.score && t(`${item.score} 分（满分 5 分）`, `${item.score} of 5`)],
    [t("提出人", "Raised by"), item.proposer && [item.proposer.name, item.proposer.phone].filter(Boolean).join(" ")],
  ];
  fill(byId("item"),
    h("header", {}, h("h2", {tabIndex: -1}, item.title), h("p", {className: "gw-row"}, h("span", {className: "gw-tag"}, item.status_title), h("span", {}, item.kind_title), h("code", {}, item.number))),
    h("dl", {className: "gw-facts"}, facts.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    h("section", {}, h("h3", {}, t("下一步", "Next")), item.actions.length
      ? h("div", {className: "gw-row"}, item.actions.map((one, number) => h("button", {type: "button", className: number === 0 && one.action !== "move" ? "gw-primary" : "", onclick: () => act(one)}, one.title)))
      : h("p", {className: "gw-fine"}, item.closed_at ? t("此事项已结束。", "This item has ended.") : t("您可以查看，由社区和治理中心办理。", "You may look; the community and the centre take it on."))),
    h("section", {}, h("h3", {}, t("经过", "Story")), h("ol", {className: "gw-story"}, item.log.map((entry) => h("li", {}, h("small", {}, moment(entry.at)), h("p", {}, entry.text))))));
}

// --- acting ---------------------------------------------------------------------------------------

/** The middle of the map as a place, and the words that say so: it can be moved by mouse and by keys. */
async function middle() {
  const {lng, lat} = city.view.getCenter();
  const place = {lon: Number(lng.toFixed(6)), lat: Number(lat.toFixed(6))};
  const found = await get(`/v1/areas/at?lon=${place.lon}&lat=${place.lat}`).catch(() => null);
  const area = found?.path.length ? found.path.at(-1).name : t("不在本市", "not in the city");
  return {place, words: h("p", {className: "gw-fine"}, t(`位置：地图中央，${area}。先移动地图可换位置。`, `Place: the middle of the map, ${area}. Move the map first for another one.`))};
}

const area = (name, label, required = true) => h("label", {}, h("span", {}, label), h("textarea", {name, rows: 3, required}));

const FIELDS = {
  note: () => area("note", t("说明", "Note")),
  decision: () => area("decision", t("决定", "Decision")),
  score: () => h("label", {}, h("span", {}, t("评分", "Score")), h("select", {name: "score", required: true}, [5, 4, 3, 2, 1].map((score) => h("option", {value: score}, t(`${score} 分`, `${score} of 5`))))),
};

async function act(one) {
  const moved = one.needs.includes("location") ? await middle() : null;
  const fields = one.needs.filter((need) => FIELDS[need]).map((need) => FIELDS[need]());
  if (moved) { fields.push(moved.words); }
  if (!one.needs.includes("note")) { fields.push(area("note", t("说明（可不填）", "Note (if you like)"), false)); }
  const {id, version, number} = item;
  const said = await ask(`${one.title} · ${number}`, fields, {submit: one.title});
  if (said === null) { return; }
  const body = {action: one.action, version};
  for (const key of ["note", "decision"]) { if (said[key]?.trim()) { body[key] = said[key].trim(); } }
  if (said.score) { body.score = Number(said.score); }
  if (moved) { body.location = moved.place; }
  if (await sent(`/v1/deliberations/${id}/actions`, body)) { say(t(`已完成：${one.title}。`, `Done: ${one.title}.`)); }
  await reload();
  if (wanted === id) { await open(id, {fit: Boolean(moved)}); }
}

async function raise() {
  const {place, words} = await middle();
  const said = await ask(t("提出事项", "Raise a matter"), [
    h("label", {}, h("span", {}, t("类型", "Kind")), h("select", {name: "kind"}, h("option", {value: "matter"}, t("社区事项", "Community matter")), h("option", {value: "proposal"}, t("人民建议", "People's proposal")))),
    h("label", {}, h("span", {}, t("标题", "Title")), h("input", {name: "title", required: true, maxLength: 100})),
    area("description", t("内容（可不填）", "What it is about (if you like)"), false), words,
  ], {submit: t("提出", "Raise")});
  if (said === null) { return; }
  const made = await sent("/v1/deliberations", {kind: said.kind, title: said.title.trim(), description: said.description.trim() || null, location: place});
  if (!made) { return; }
  say(t(`已提出：${made.number}。`, `Raised: ${made.number}.`));
  await reload();
  await open(made.id, {fit: false});
}

/** Send a write once, whatever the network does; returns undefined when it was refused, and says why. */
async function sent(url, body) {
  const key = newKey();
  try {
    return await post(url, body, {key});
  } catch (error) {
    if (!(error instanceof Problem)) { throw error; }
    if (error.status === 0) { say(error.message, {bad: true, action: {words: t("重试", "Try again"), run: async () => { if (await told(() => post(url, body, {key}))) { await reload(); } }}}); } else { say(error.message, {bad: true}); }
    return undefined;
  }
}

// --- keys, filters, live --------------------------------------------------------------------------

function step(by) {
  const list = rows.get(lane);
  if (!list.length) { return; }
  const now = list.findIndex((row) => row.id === item?.id);
  const next = list[Math.max(0, Math.min(list.length - 1, now < 0 ? 0 : now + by))];
  open(next.id).then(() => byId("list").querySelector(`[data-id="${next.id}"]`)?.focus());
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|TEXTAREA|SELECT/.test(event.target.tagName) || document.querySelector("dialog[open]")) { return; }
  const key = event.key.toLowerCase();
  if (key === "j") { step(1); } else if (key === "k") { step(-1); } else if (key === "escape" && !document.querySelector(".gw-tour")) { close(); }
});
byId("lanes").addEventListener("keydown", (event) => {
  const by = {ArrowRight: 1, ArrowLeft: -1}[event.key];
  if (!by) { return; }
  choose(LANES[(LANES.findIndex((one) => one.key === lane) + by + LANES.length) % LANES.length].key);
  byId(`tab-${lane}`).focus();
});
for (const id of ["kind", "overdue"]) { byId(id).addEventListener("input", settled(reload, 200)); }
byId("back").addEventListener("click", close);
byId("raise").addEventListener("click", () => told(raise));

const live = settled(reload, 700);
listen(["deliberation.changed"], (_topic, message) => {
  live();
  if (item && message.id === item.id && !document.querySelector("dialog[open]")) { open(item.id, {fit: false}); }
}, (alive) => {
  byId("line").classList.toggle("gw-alive", alive);
  byId("line").title = alive ? t("实时更新中", "live") : t("连接中断，正在重连", "reconnecting");
});
setInterval(drawLanes, 60000);

draw();
await reload();
if (hints.get("item")) { await open(hints.get("item")); }
tour("deliberation", [
  ["lanes", t("六个步骤", "Six steps"), t("点事、定事、议事、决事、办事、评事，各成一列；超时的标红。", "Raised, set, discussed, decided, carried out, assessed: a lane each; late ones in red.")],
  ["list", t("选一个事项", "Choose an item"), t("点击或按 J / K，事项在地图旁打开，下面是可做的下一步和经过。", "Click, or press J and K: it opens beside the map, with the next step and its story.")],
  ["raise", t("提出事项", "Raise one"), t("把地图移到那个地方，再提出社区事项或人民建议。", "Move the map to the place, then raise a matter or a proposal.")],
]);
