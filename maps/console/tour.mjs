/** A first-run tour of three steps: once a page and browser, and again from the help button. */

import {byId, h, t} from "./page.mjs";

/** Show the steps `[id, title, words]` unless this browser has seen them; the help button repeats them. */
export function tour(page, steps) {
  const seen = `gridward-tour-${page}`;
  const start = () => step(steps, 0, () => { try { localStorage.setItem(seen, "1"); } catch { /* a private window forgets */ } });
  byId("help").addEventListener("click", start);
  let known = true;
  try { known = localStorage.getItem(seen) !== null; } catch { /* a private window has not seen it */ }
  if (!known) { start(); }
}

function step(steps, number, done) {
  const [id, title, words] = steps[number];
  const target = byId(id);
  const last = number === steps.length - 1;
  document.querySelector(".gw-tour")?.remove();
  const leave = () => { card.remove(); target.classList.remove("gw-pointed"); };
  const card = h("div", {className: "gw-tour", role: "dialog", aria: {label: title}},
    h("p", {className: "gw-fine"}, `${number + 1} / ${steps.length}`), h("h2", {}, title), h("p", {}, words),
    h("div", {className: "gw-row"},
      h("button", {type: "button", className: "gw-primary", onclick: () => { leave(); if (last) { done(); } else { step(steps, number + 1, done); } }},
        last ? t("开始使用", "Start") : t("下一步", "Next")),
      h("button", {type: "button", onclick: () => { leave(); done(); }}, t("跳过", "Skip"))));
  card.addEventListener("keydown", (event) => { if (event.key === "Escape") { leave(); done(); } });
  target.classList.add("gw-pointed");
  document.body.append(card);
  card.querySelector("button").focus();
}
