/** `/mine`: the grid worker's phone page. Two taps to act; a weak network loses nothing. */

import {Problem, get, listen} from "./api.mjs";
import {ask, byId, config, fill, h, moment, nothing, remaining, say, t} from "./page.mjs";
import {drop, flush, keep, waiting} from "./outbox.mjs";
import {tour} from "./tour.mjs";

const CACHE = "gridward-mine";
let orders = [];
let stale = false;

// --- reading ------------------------------------------------------------------------------------

async function load() {
  try {
    // a token without a person acts for whoever is assigned in its area
    const whose = config.user.person_id === null ? "" : "assignee=me&";
    const answer = await get(`/v1/work-orders?${whose}status=open&limit=200`);
    orders = answer.items.sort((a, b) => (a.due_at || "9") < (b.due_at || "9") ? -1 : 1);
    stale = false;
    try { localStorage.setItem(CACHE, JSON.stringify({id: config.user.id, orders})); } catch { /* no room: the list is only for weak networks */ }
  } catch (error) {
    if (!(error instanceof Problem)) { throw error; }
    let kept = null;
    try { kept = JSON.parse(localStorage.getItem(CACHE) || "null"); } catch { /* none */ }
    if (error.status === 0 && kept && kept.id === config.user.id) { orders = kept.orders; stale = true; } else { say(error.message, {bad: true}); }
  }
  await draw();
}

// --- acting -------------------------------------------------------------------------------------

function photoField() {
  return h("label", {}, h("span", {}, t("照片（可拍照）", "Photos (camera)")), h("input", {type: "file", name: "photos", accept: "image/*", capture: "environment", multiple: true}));
}

/** A photo of a phone has ten megabytes; two are enough to see what was done. */
async function smaller(file) {
  if (file.size < 1_500_000) { return file; }
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, 2048 / Math.max(picture.width, picture.height));
    const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return new File([await canvas.convertToBlob({type: "image/jpeg", quality: 0.85})], file.name.replace(/\.\w+$/, ".jpg"), {type: "image/jpeg"});
  } catch { return file; }
}

async function act(order, {action, grounds, title: label}) {
  const fields = [];
  if (action === "resolve") { fields.push(photoField()); }
  if (action === "send_back") {
    fields.push(h("label", {}, h("span", {}, t("退单理由", "Ground")), h("select", {name: "ground", required: true},
      Object.entries(grounds).map(([value, title]) => h("option", {value}, title)))));
  }
  if (action !== "accept") {
    fields.push(h("label", {}, h("span", {}, t("说明", "Note")), h("textarea", {name: "note", rows: 3, required: action === "resolve"})));
  }
  let said = {};
  if (fields.length) {
    said = await ask(`${label} · ${order.event.number}`, fields);
    if (said === null) { return; }
  }
  const input = said.photos === undefined ? [] : [said.photos].flat();
  const photos = await Promise.all(input.filter((file) => file instanceof File && file.size > 0).map(smaller));
  const body = {action, version: order.version};
  if (said.note) { body.note = said.note; }
  if (said.ground) { body.ground = said.ground; }
  await keep({
    order: order.code, words: label, url: `/v1/work-orders/${encodeURIComponent(order.code)}/actions`, body,
    photos, photos_url: `/v1/events/${order.event.id}/attachments`,
  });
  await send();
}

async function send() {
  await flush(() => draw());
  const left = await waiting();
  if (left.some((deed) => !deed.refused)) { say(t("已保存，有网络时自动发送。", "Kept; it is sent when there is a network.")); }
  await load();
}

/** A worker's token that names neither the worker nor an area sees no case: say so, and what to do. */
const NOBODY = config.user.role === "grid_worker" && config.user.person_id === null && config.user.area === "-";

// --- drawing ------------------------------------------------------------------------------------

function card(order, deeds) {
  const mine = deeds.filter((deed) => deed.order === order.code);
  const late = order.overdue || (order.due_at && new Date(order.due_at) < new Date());
  const actions = order.actions.filter((one) => ["accept", "resolve", "send_back", "resume"].includes(one.action));
  const {event} = order;
  return h("li", {className: late ? "gw-case gw-late" : "gw-case"},
    h("div", {className: "gw-row"}, h("strong", {}, event.title || order.code),
      h("span", {className: "gw-clock"}, order.due_at ? remaining(order.due_at) : t("无时限", "no deadline"))),
    h("p", {}, event.address || order.unit.name),
    h("p", {className: "gw-fine"}, `${order.status_title} · ${order.code} · ${t("时限", "due")} ${moment(order.due_at)} · `,
      h("a", {href: `/why/${event.id}`}, t("为什么是我的", "why it is mine")),
      event.point && [" · ", h("a", {href: `/browse#at=16/${event.point.lat}/${event.point.lon}&pin=${event.point.lon},${event.point.lat}`}, t("看地图", "map"))]),
    mine.map((deed) => h("p", {className: deed.refused ? "gw-warning" : "gw-fine", role: "status"},
      deed.refused ? `${deed.words}：${deed.refused} ` : t(`${deed.words}：待发送`, `${deed.words}: waiting to be sent`),
      deed.refused && h("button", {type: "button", onclick: async () => { await drop(deed.key); await load(); }}, t("知道了", "OK")))),
    mine.length === 0 && h("div", {className: "gw-row gw-big"}, actions.map((one) => h("button", {type: "button", className: one.action === "send_back" ? "" : "gw-primary", onclick: () => act(order, one)}, one.title))));
}

async function draw() {
  const deeds = await waiting();
  byId("state").textContent = stale ? t("没有网络：显示上次的列表。", "No network: this is the last list.") : "";
  byId("count").textContent = t(`${orders.length} 件在办`, `${orders.length} open`);
  fill(byId("orders"), orders.length ? orders.map((order) => card(order, deeds))
    : h("li", {}, NOBODY
      ? nothing(t("此登录没有写明是谁，看不到任何案件。", "This sign-in names nobody, and sees no case."), t("请管理员签发写明本人的令牌，再重新登录。", "Ask an administrator for a token that names you, and sign in again."))
      : nothing(t("没有在办案件。", "No open cases."), t("新的派单会自动出现在这里。", "New ones appear here by themselves."))));
}

window.addEventListener("online", send);
setInterval(() => { if (navigator.onLine) { flush(() => draw()).then(() => draw()); } }, 15000);
setInterval(draw, 60000);
listen(["work_order.changed", "event.routed"], () => load(), (alive) => byId("line").classList.toggle("gw-alive", alive));
byId("reload").addEventListener("click", send);
await load();
await flush(() => draw());
tour("mine", [
  ["orders", t("我的案件", "My cases"), t("最急的在最上面，右侧是剩余时间。", "The most urgent comes first, with the time left.")],
  ["orders", t("两步办理", "Two taps"), t("签收后到现场处理，再点“办结反馈”并拍照。", "Accept, go there, then resolve with a photo.")],
  ["reload", t("没有网络也不怕", "No network, no loss"), t("操作会先存在手机里，有网络时自动发送一次。", "What you do is kept on the phone and sent once there is a network.")],
]);
