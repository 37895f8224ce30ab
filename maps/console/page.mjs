/** What every page of the console stands on: configuration, both languages, safe elements, words. */

export const config = JSON.parse(document.getElementById("gw-config").textContent);

/** Return the text of the page's language. */
export function t(zh, en) {
  return config.language === "en" ? en : zh;
}

/** Return `title_zh` or `title_en` of a row of data. */
export function titled(row) {
  return t(row.title_zh, row.title_en);
}

/**
 * Make an element. Text is always text: nothing here reads HTML, so a hostile name stays a name.
 * `on…` properties are listeners; `data`, `aria` and `style` take objects; null and false are left out.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) { continue; }
    if (key.startsWith("on")) {
      element.addEventListener(key.slice(2), value);
    } else if (key === "data") {
      Object.assign(element.dataset, value);
    } else if (key === "aria") {
      for (const [name, said] of Object.entries(value)) {
        if (said !== null && said !== undefined) { element.setAttribute(`aria-${name}`, String(said)); }
      }
    } else if (key === "style") {
      for (const [name, said] of Object.entries(value)) { element.style.setProperty(name, said); }
    } else if (key in element && key !== "list" && key !== "form") {
      element[key] = value;
    } else {
      element.setAttribute(key, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Replace what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Return the element with that id. */
export function byId(id) {
  return document.getElementById(id);
}

const _whole = new Intl.NumberFormat(config.language === "en" ? "en-GB" : "zh-CN", {maximumFractionDigits: 0});
const _moment = new Intl.DateTimeFormat(config.language === "en" ? "en-GB" : "zh-CN", {
  timeZone: "Asia/Shanghai", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false,
});

/** Return a number with separators, "—" for none. */
export function whole(value) {
  return value === null || value === undefined ? "—" : _whole.format(value);
}

/** Return a share in percent, rounded down: only everybody is 100.0%, and only nobody is 0.0%. */
export function percent(ratio) {
  if (ratio > 0 && ratio < 0.001) { return "<0.1%"; }
  return ratio === null || ratio === undefined ? "—" : `${(Math.floor(ratio * 1000) / 10).toFixed(1)}%`;
}

/** Return an instant as month, day, hour and minute in Beijing time. */
export function moment(instant) {
  return instant ? _moment.format(new Date(instant)) : "—";
}

/** Return metres below a kilometre, kilometres above. */
export function distance(metres) {
  if (metres === null || metres === undefined) { return "—"; }
  return metres < 1000 ? `${Math.round(metres)} ${t("米", "m")}` : `${(metres / 1000).toFixed(metres < 10000 ? 2 : 1)} ${t("公里", "km")}`;
}

/** Return how long until (or since) an instant, in words. */
export function remaining(instant, now = Date.now()) {
  const minutes = Math.round((new Date(instant).getTime() - now) / 60000);
  const size = Math.abs(minutes);
  let amount;
  if (size < 60) { amount = t(`${size} 分钟`, `${size} min`); }
  else if (size < 2880) { amount = t(`${Math.floor(size / 60)} 小时 ${size % 60} 分`, `${Math.floor(size / 60)} h ${size % 60} min`); }
  else { amount = t(`${Math.floor(size / 1440)} 天`, `${Math.floor(size / 1440)} days`); }
  return minutes < 0 ? t(`超期 ${amount}`, `overdue by ${amount}`) : t(`剩余 ${amount}`, `${amount} left`);
}

/** Wait until calls have stopped for a moment, then make the last one. */
export function settled(call, milliseconds = 250) {
  let timer = null;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...values), milliseconds);
  };
}

/** Say something to everybody: shown for a while, and read out by screen readers. */
export function say(words, {bad = false, action = null} = {}) {
  const line = h("div", {className: bad ? "gw-said gw-bad" : "gw-said", role: bad ? "alert" : "status"},
    h("span", {}, words),
    action && h("button", {type: "button", onclick: () => { line.remove(); action.run(); }}, action.words),
    h("button", {type: "button", className: "gw-quiet", aria: {label: t("关闭", "Close")}, onclick: () => line.remove()}, "✕"));
  byId("gw-said").append(line);
  setTimeout(() => line.remove(), bad || action ? 12000 : 5000);
}

/** An empty list says why it is empty and what could be done. */
export function nothing(words, more = null) {
  return h("div", {className: "gw-nothing"}, h("p", {}, words), more && h("p", {className: "gw-fine"}, more));
}

/** Show the question in a dialog; resolves to the values of its fields, or null when it was left. */
export function ask(title, fields, {submit = t("确定", "OK")} = {}) {
  return new Promise((answer) => {
    const form = h("form", {method: "dialog"}, h("h2", {}, title), fields,
      h("div", {className: "gw-row"},
        h("button", {type: "submit", className: "gw-primary", value: "ok"}, submit),
        h("button", {type: "button", onclick: () => dialog.close()}, t("取消", "Cancel"))));
    const dialog = h("dialog", {className: "gw-dialog", aria: {label: title}}, form);
    dialog.addEventListener("close", () => {
      const left = dialog.returnValue !== "ok";
      const said = new FormData(form);
      const values = Object.fromEntries([...new Set(said.keys())].map((key) => [key, said.getAll(key).length > 1 ? said.getAll(key) : said.get(key)]));
      dialog.remove();
      answer(left ? null : values);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
