/** A case beside the map: where it is, whose it may be and why, who has it, its clocks and its story. */

import {get, post, Problem, told} from "./api.mjs";
import {circle, feature} from "./map.mjs";
import {ask, config, distance, fill, h, moment, nothing, percent, remaining, say, t} from "./page.mjs";
import {newKey} from "./outbox.mjs";

const HOLD_MS = 5000;
const UNDOABLE = new Set(["confirm_grid", "mark_duplicate", "recategorise"]);

/** One open case. `panel` is where it is told, `city` the map; `changed` is called after an action. */
export class Case {
  constructor(panel, city, {changed, categories}) {
    this.panel = panel;
    this.city = city;
    this.changed = changed;
    this.categories = categories;
    this.event = null;
    this.wanted = null; // the id of what is to be seen: an answer about another case comes too late
    this.held = null;
    this.picking = null;
    this.drawGrids = city.overlay("candidates", (colours) => [
      {type: "fill", paint: {"fill-color": colours.covered, "fill-opacity": ["+", 0.06, ["*", 0.3, ["get", "probability"]]]}},
      {type: "line", paint: {"line-color": colours.covered, "line-width": ["case", ["get", "first"], 3, 1.5]}},
      {type: "symbol", layout: {"text-field": ["get", "label"], "text-size": 13, "text-max-width": 14, "text-variable-anchor": ["center", "top", "bottom"], "text-radial-offset": 1.2}, paint: {"text-color": colours.ink, "text-halo-color": colours.land, "text-halo-width": 2}},
    ]);
    this.drawPin = city.overlay("pin", (colours) => [
      {type: "fill", filter: ["==", ["geometry-type"], "Polygon"], paint: {"fill-color": colours.accent, "fill-opacity": 0.12}},
      {type: "line", filter: ["==", ["geometry-type"], "Polygon"], paint: {"line-color": colours.accent, "line-width": 1.5, "line-dasharray": [3, 2]}},
      {type: "circle", filter: ["==", ["geometry-type"], "Point"], paint: {"circle-radius": ["case", ["get", "main"], 7, 5], "circle-color": ["case", ["get", "main"], colours.accent, colours.quiet], "circle-stroke-color": colours.land, "circle-stroke-width": 2}},
      // unseen, and first to take its place: the names of candidates make room for the pin
      {type: "symbol", filter: ["==", ["geometry-type"], "Point"], layout: {"text-field": "●", "text-size": 22, "text-allow-overlap": true}, paint: {"text-opacity": 0}},
    ]);
    window.addEventListener("pagehide", () => { if (this.held) { this.held.now({leaving: true}); } });
    city.view.on("click", (event) => this._picked(event.lngLat));
  }

  /** Open a case, or look at it again. */
  async open(id, {fit = true} = {}) {
    const same = this.event && this.event.id === id;
    this.wanted = id;
    if (!same) { fill(this.panel, h("p", {className: "gw-fine", role: "status"}, t("正在打开…", "Opening …"))); }
    const event = await told(() => get(`/v1/events/${id}`));
    if (this.wanted !== id) { return; }
    if (!event) {
      this.wanted = this.event?.id ?? null;
      if (this.event) { this.draw(); } else { this.close(); }
      return;
    }
    const [order, log] = await Promise.all([
      event.work_orders.length ? told(() => get(`/v1/work-orders/${encodeURIComponent(event.work_orders.at(-1).code)}`)) : null,
      told(() => get(`/v1/events/${id}/log`)),
    ]);
    const suggested = await this._suggested(event);
    if (this.wanted !== id) { return; }
    if (same && event.version !== this.event.version) { say(t(`案件 ${event.number} 已被更新，已显示最新内容。`, `Case ${event.number} was changed; this is the newest.`)); }
    this.suggested = suggested;
    this.event = event;
    this.order = order;
    this.log = log ? log.items : [];
    this.draw();
    await this.drawMap({fit: fit && !same});
  }

  /** Look again at what is open, unless another case is just being opened. */
  async refresh() {
    if (this.event && this.wanted === this.event.id) { await this.open(this.wanted, {fit: false}); }
  }

  /** What the address says now, for a case that came without candidates. */
  async _suggested(event) {
    if (event.match.candidates.length || !event.address || !event.allowed_actions.includes("confirm_grid") || event.work_orders.length) { return null; }
    const {address, category, source} = event;
    return orNull(() => post("/v1/match", {address, source, ...(category ? {category} : {})}));
  }

  candidates() {
    return (this.event.match.candidates.length ? this.event.match.candidates : this.suggested?.candidates || []).slice(0, 5);
  }

  close() {
    this.event = null;
    this.wanted = null;
    this.drawGrids([]);
    this.drawPin([]);
    fill(this.panel, nothing(t("选择左侧的案件开始处置。", "Choose a case on the left."), t("键盘：J / K 上下选择，1–3 确认候选网格。", "Keyboard: J and K move, 1 to 3 confirm a candidate.")));
  }

  // --- on the map -------------------------------------------------------------------------------

  async drawMap({fit}) {
    const point = this.event.point || this.suggested?.point;
    const drawn = [];
    if (point) {
      const accuracy = this.event.location?.accuracy_m;
      if (accuracy) { drawn.push(feature(circle(point.lon, point.lat, accuracy))); }
      drawn.push(feature({type: "Point", coordinates: [point.lon, point.lat]}, {main: true}));
    }
    for (const other of this.event.suggested_duplicates || []) {
      if (other.point) { drawn.push(feature({type: "Point", coordinates: [other.point.lon, other.point.lat]}, {main: false})); }
    }
    this.drawPin(drawn);
    const shown = this.candidates();
    const id = this.event.id;
    const areas = await Promise.all(shown.map((one) => get(`/v1/areas/${encodeURIComponent(one.code)}`).catch(() => null)));
    if (!this.event || this.event.id !== id) { return; }
    const grids = areas.map((area, number) => area && {...area, properties: {
      probability: shown[number].probability, first: number === 0,
      label: `${number + 1}  ${shown[number].name}\n${percent(shown[number].probability)}`,
    }}).filter(Boolean);
    this.drawGrids(grids);
    // what is hardly possible may lie far away: it is drawn, but the view stays with the others
    const likely = grids.filter((one) => one.properties.first || one.properties.probability >= 0.01);
    if (fit) { this.city.fit([...likely, ...drawn], {maxZoom: 15.5}); }
  }

  // --- in words ---------------------------------------------------------------------------------

  draw() {
    const {event, order} = this;
    const state = order ? order.status_title : {review: t("待研判", "to review"), unrouted: t("无责任人", "unrouted"), outside: t("辖区外", "outside")}[event.status] || event.status;
    fill(this.panel,
      h("header", {}, h("h2", {tabIndex: -1}, event.title || this.categories.get(event.category) || t("未命名案件", "Untitled case")),
        h("p", {className: "gw-row"}, h("span", {className: `gw-tag gw-tag-${event.status}`}, state), h("code", {}, event.number),
          h("a", {href: `/why/${event.id}`}, t("派单说明", "Why")))),
      this.held && h("p", {className: "gw-warning", role: "status"}, t(`即将执行：${this.held.words} `, `About to: ${this.held.words} `),
        h("button", {type: "button", onclick: () => this._undo()}, t("撤销（Z）", "Undo (Z)"))),
      this._facts(), this._candidates(), this._reasons(), this._duplicates(), this._clocks(), this._photos(), this._actions(), this._story());
  }

  _facts() {
    const {event, order} = this;
    const rows = [
      [t("地址", "Address"), event.address], [t("描述", "Description"), event.description],
      [t("类别", "Category"), this.categories.get(event.category) || event.category], [t("来源", "Source"), `${SOURCES[event.source] ? t(...SOURCES[event.source]) : event.source} · ${moment(event.reported_at)}`],
      [t("网格", "Grid"), event.grid && (this.candidates().find((one) => one.code === event.grid)?.name || event.grid)],
      order && [t("责任", "Responsible"), `${order.unit.name} · ${order.assignee.name}`],
      event.reporter && (event.reporter.name || event.reporter.phone) && [t("上报人", "Reporter"), [event.reporter.name, event.reporter.phone].filter(Boolean).join(" ")],
    ];
    return h("dl", {className: "gw-facts"}, rows.filter((row) => row && row[1]).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  }

  can(action) {
    if (this.held) { return false; }
    const allowed = this.order ? this.order.allowed_actions : this.event.allowed_actions;
    return allowed === undefined || allowed.includes(action);
  }

  _candidates() {
    const found = this.candidates();
    if (!found.length && !this.can("confirm_grid")) { return null; }
    return h("section", {aria: {label: t("候选网格", "Candidates")}}, h("h3", {}, this.suggested ? t("按地址建议的网格", "Grids that the address suggests") : t("候选网格", "Candidate grids")),
      h("ol", {className: "gw-candidates"}, found.map((one, number) => h("li", {},
        h("button", {type: "button", disabled: !this.can("confirm_grid"), onclick: () => this.confirm(one.code, one.name), title: one.code},
          h("kbd", {}, String(number + 1)), h("span", {}, one.name), h("span", {className: "gw-share"}, percent(one.probability)),
          one.distance_m > 0 && h("small", {}, distance(one.distance_m)))))),
      !found.length && nothing(t("没有候选网格。", "No candidates."), t("在地图上选网格，或移动位置。", "Pick a grid on the map, or move the pin.")),
      h("div", {className: "gw-row"},
        this.can("confirm_grid") && h("button", {type: "button", aria: {pressed: this.picking === "grid"}, onclick: () => this.pick("grid")}, t("在地图上选网格", "Pick a grid on the map")),
        this.can("move") && h("button", {type: "button", aria: {pressed: this.picking === "move"}, onclick: () => this.pick("move")}, t("移动位置", "Move the pin"))));
  }

  _reasons() {
    return h("section", {}, h("h3", {}, t("为什么", "Why")), h("ul", {className: "gw-reasons"}, [...this.event.match.reasons, ...(this.suggested?.reasons || [])].map((reason) => h("li", {}, reason.text))));
  }

  _duplicates() {
    const found = this.event.suggested_duplicates || [];
    if (!found.length) { return null; }
    return h("section", {}, h("h3", {}, t("可能重复", "Possibly the same")), h("ul", {className: "gw-list"}, found.map((one) => h("li", {className: "gw-card"},
      h("strong", {}, one.title || one.number), h("p", {className: "gw-fine"}, [one.number, one.distance_m !== undefined && distance(one.distance_m), one.probability !== undefined && percent(one.probability)].filter(Boolean).join(" · ")),
      h("div", {className: "gw-row"}, h("button", {type: "button", onclick: () => this.open(one.id)}, t("查看", "Look")),
        this.can("mark_duplicate") && h("button", {type: "button", onclick: () => this.hold("mark_duplicate", {of: one.id}, t(`标为 ${one.number} 的重复件`, `Mark as a duplicate of ${one.number}`))}, t("是重复件", "Same thing")))))));
  }

  _clocks() {
    const clocks = (this.order?.clocks || []).filter((clock) => clock.running || clock.overdue || clock.paused_at);
    if (!clocks.length) { return null; }
    return h("section", {}, h("h3", {}, t("时限", "Clocks")), h("ul", {className: "gw-clocks"}, clocks.map((clock) => h("li", {className: clock.overdue ? "gw-late" : ""},
      h("span", {}, clock.title), h("span", {}, clock.paused_at ? t("已暂停", "paused") : clock.due_at ? remaining(clock.due_at) : t("无日历，未计时", "no calendar")), h("small", {}, moment(clock.due_at))))));
  }

  _photos() {
    const photos = this.event.attachments || [];
    if (!photos.length) { return null; }
    return h("section", {}, h("h3", {}, t("照片", "Photos")), h("div", {className: "gw-photos"}, photos.map((photo) => h("a", {href: photo.url, target: "_blank", rel: "noopener"},
      h("img", {src: photo.thumbnail_url, alt: t(`案件照片，${moment(photo.received_at)}`, `Photo of the case, ${moment(photo.received_at)}`), loading: "lazy"})))));
  }

  _actions() {
    const listed = ((this.order || this.event).actions || []).filter((one) => !["confirm_grid", "move", "mark_duplicate"].includes(one.action));
    if (!listed.length) { return null; }
    return h("section", {}, h("h3", {}, t("处置", "Actions")), h("div", {className: "gw-row"}, listed.map((one) => h("button", {type: "button", disabled: Boolean(this.held), onclick: () => this.act(one)}, one.title))));
  }

  _story() {
    return h("details", {open: true}, h("summary", {}, t("经过", "Story")), h("ol", {className: "gw-story"}, this.log.map((entry) => h("li", {},
      h("small", {}, moment(entry.at)), h("p", {}, entry.text || [entry.title || entry.action, entry.note].filter(Boolean).join("：")))))); 
  }

  // --- acting -----------------------------------------------------------------------------------

  confirm(code, name) {
    return this.hold("confirm_grid", {grid: code}, t(`派给${name}`, `Send to ${name}`));
  }

  /** Hold an action for some seconds, so that a slip can be taken back before anything is sent. */
  hold(action, fields, words) {
    if (this.held || !UNDOABLE.has(action)) { return; }
    const deed = {url: `/v1/events/${this.event.id}/actions`, body: {action, version: this.event.version, ...fields}, key: newKey()};
    const now = async ({leaving = false} = {}) => {
      clearTimeout(this.held.timer);
      this.held = null;
      if (leaving) { fetchLast(deed); return; }
      await this._send(deed);
    };
    this.held = {words, now, timer: setTimeout(now, HOLD_MS)};
    this.draw();
  }

  _undo() {
    if (!this.held) { return; }
    clearTimeout(this.held.timer);
    this.held = null;
    say(t("已撤销，未发送。", "Taken back; nothing was sent."));
    this.draw();
  }

  /** Send what is held at once (the person goes on to another case). */
  async settle() {
    if (this.held) { await this.held.now(); }
  }

  async _send(deed) {
    try {
      await post(deed.url, deed.body, {key: deed.key});
      say(t("已执行。", "Done."));
    } catch (error) {
      if (!(error instanceof Problem)) { throw error; }
      say(error.message, {bad: true});
    }
    await this.changed();
    await this.refresh();
  }

  async act(one) {
    const fields = one.needs.map((need) => FIELDS[need]?.(one, this)).filter(Boolean);
    if (!one.needs.includes("note")) { fields.push(FIELDS.note(one, this, false)); }
    const said = await ask(`${one.title} · ${this.event.number}`, fields, {submit: one.title});
    if (said === null) { return; }
    const order = this.order;
    const body = {action: one.action, version: (order || this.event).version};
    for (const key of ["note", "ground", "unit", "category"]) { if (said[key]) { body[key] = said[key]; } }
    if (said.amount) { body.amount = Number(said.amount); }
    if (said.until) { body.until = `${said.until}:00+08:00`; }
    if (said.satisfied) { body.satisfied = said.satisfied === "yes"; }
    if (said.to_code) { body.to = {[said.to_kind]: said.to_code.trim()}; }
    await this._send({url: order ? `/v1/work-orders/${encodeURIComponent(order.code)}/actions` : `/v1/events/${this.event.id}/actions`, body, key: newKey()});
  }

  /** Ask for a click on the map: a grid, or the true place. */
  pick(what) {
    this.picking = this.picking === what ? null : what;
    this.city.view.getCanvas().classList.toggle("gw-cross", this.picking !== null);
    if (this.picking) { say(what === "grid" ? t("点击地图上的网格。", "Click the grid on the map.") : t("点击事件的真实位置。", "Click where it really is.")); }
    this.draw();
  }

  async _picked({lng, lat}) {
    const what = this.picking;
    if (!what || !this.event) { return; }
    this.pick(what);
    const found = await told(() => get(`/v1/areas/at?lon=${lng}&lat=${lat}`));
    if (!found) { return; }
    if (what === "grid") {
      if (found.grid) { this.confirm(found.grid.code, found.grid.name); } else { say(t("这里没有网格。", "There is no grid here."), {bad: true}); }
      return;
    }
    const said = await ask(t(`把位置移到${found.grid ? found.grid.name : "此处"}？`, `Move the pin into ${found.grid ? found.grid.name : "this place"}?`), [FIELDS.note(null, this, false)], {submit: t("移动", "Move")});
    if (said) { await this._send({url: `/v1/events/${this.event.id}/actions`, body: {action: "move", version: this.event.version, location: {lon: lng, lat, crs: "WGS84", accuracy_m: 10}, ...(said.note ? {note: said.note} : {})}, key: newKey()}); }
  }
}

async function orNull(work) {
  try { return await work(); } catch (error) { if (error instanceof Problem) { return null; } throw error; }
}

function fetchLast(deed) {
  const csrf = document.cookie.split("; ").find((part) => part.startsWith("gridward_csrf="))?.slice(14) || "";
  fetch(deed.url, {method: "POST", keepalive: true, credentials: "same-origin", body: JSON.stringify(deed.body),
    headers: {"Content-Type": "application/json", "X-CSRF-Token": csrf, "Idempotency-Key": deed.key, "Accept-Language": config.language}});
}

export const SOURCES = {
  snap: ["随手拍", "snap report"], "hotline-12345": ["12345 热线", "12345 hotline"], patrol: ["巡查上报", "patrol"],
  courier: ["新就业群体", "courier"], video: ["视频发现", "video"], open311: ["Open311", "Open311"], other: ["其他", "other"],
};

const UNITS = [["work_hours", "工作时", "working hours"], ["urgent_hours", "紧急工作时", "hours round the clock"], ["work_days", "工作日", "working days"], ["urgent_days", "紧急工作日", "calendar days"]];

function field(words, input) { return h("label", {}, h("span", {}, words), input); }

/** Field that an action needs -> how it is asked for. */
const FIELDS = {
  note: (_one, _case, required = true) => field(t("说明", "Note"), h("textarea", {name: "note", rows: 3, required})),
  ground: (one) => field(t("理由", "Ground"), h("select", {name: "ground", required: true}, Object.entries(one.grounds || {}).map(([value, title]) => h("option", {value}, title)))),
  to: (_one, open) => [
    field(t("交给", "To"), h("select", {name: "to_kind"}, [["grid", "网格", "grid"], ["area", "区域", "area"], ["unit", "单位", "unit"], ["person", "人员", "person"]].map(([value, zh, en]) => h("option", {value}, t(zh, en))))),
    field(t("编码", "Code"), h("input", {name: "to_code", type: "text", required: true, value: open.candidates()[0]?.code || open.event.grid || ""})),
  ],
  amount: () => field(t("延长多少", "How much longer"), h("input", {name: "amount", type: "number", min: "0.5", step: "0.5", value: "1", required: true})),
  unit: () => field(t("单位", "Unit"), h("select", {name: "unit"}, UNITS.map(([value, zh, en]) => h("option", {value}, t(zh, en))))),
  until: () => field(t("挂账到（北京时间）", "Until (Beijing time)"), h("input", {name: "until", type: "datetime-local", required: true})),
  satisfied: () => field(t("群众是否满意", "Satisfied"), h("select", {name: "satisfied"}, h("option", {value: "yes"}, t("满意", "yes")), h("option", {value: "no"}, t("不满意", "no")))),
  category: (_one, open) => field(t("类别", "Category"), h("select", {name: "category", required: true}, [...open.categories].map(([value, title]) => h("option", {value}, title)))),
};
