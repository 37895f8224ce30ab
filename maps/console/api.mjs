/** Talking to the service: problems in words, writes that are safe to send twice. */

import {config, say, t} from "./page.mjs";

/** A refusal of the service (RFC 9457), or no answer at all (`status` 0). */
export class Problem extends Error {
  constructor(status, document_) {
    super(document_.detail || document_.title);
    this.status = status;
    this.code = String(document_.type || "").split("/").pop();
    this.facts = document_.facts || {};
  }
}

function csrf() {
  const found = document.cookie.split("; ").find((part) => part.startsWith("gridward_csrf="));
  return found ? found.slice("gridward_csrf=".length) : "";
}

function headers(method, body) {
  const given = {Accept: "application/json", "Accept-Language": config.language};
  if (method !== "GET") { given["X-CSRF-Token"] = csrf(); }
  if (body !== undefined && !(body instanceof FormData)) { given["Content-Type"] = "application/json"; }
  return given;
}

/**
 * Send a request and return its JSON. `key` makes a write safe to repeat: the same key is answered
 * with the first answer again. Throws `Problem`.
 */
export async function send(method, url, {body, key, signal} = {}) {
  const given = headers(method, body);
  if (key) { given["Idempotency-Key"] = key; }
  let response;
  try {
    response = await fetch(url, {
      method, headers: given, signal, credentials: "same-origin",
      body: body === undefined || body instanceof FormData ? body : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") { throw error; }
    throw new Problem(0, {detail: t("连接不上服务器，请检查网络后重试。", "The server cannot be reached. Check the network and try again.")});
  }
  const isJson = (response.headers.get("Content-Type") || "").includes("json");
  const content = isJson ? await response.json() : {};
  if (response.ok) { return content; }
  if (response.status === 401) {
    const next = encodeURIComponent(location.pathname + location.search);
    say(t("登录已失效，请重新登录。", "Your sign-in has ended. Sign in again."), {
      bad: true, action: {words: t("去登录", "Sign in"), run: () => location.assign(`/sign-in?next=${next}`)},
    });
  }
  throw new Problem(response.status, isJson ? content : {detail: t(`服务器返回 ${response.status}。`, `The server answered ${response.status}.`)});
}

export const get = (url, options) => send("GET", url, options);
export const post = (url, body, options) => send("POST", url, {...options, body});

/** Run something and say what went wrong, if it did; returns undefined then. */
export async function told(work) {
  try {
    return await work();
  } catch (error) {
    if (error.name === "AbortError") { return undefined; }
    say(error.message, {bad: true});
    if (!(error instanceof Problem)) { throw error; }
    return undefined;
  }
}

/** Return the first items of a list that is handed out in pages, whether more follow, and the `total` where it was asked for. */
export async function first(url, most) {
  const items = [];
  let next = url;
  let total;
  while (next && items.length < most) {
    const page = await get(next);
    items.push(...page.items);
    next = page.next;
    if (total === undefined) { total = page.total; }
  }
  return {items: items.slice(0, most), more: Boolean(next) || items.length > most, total};
}

/** Return all items of a list that is handed out in pages, at most `most`. */
export async function all(url, most = 1000) {
  return (await first(url, most)).items;
}

/** Return all features of an OGC collection, which are handed out in pages. */
export async function features(url) {
  const found = [];
  let next = url;
  while (next) {
    const page = await get(next);
    found.push(...page.features);
    const link = page.links.find((one) => one.rel === "next");
    next = link ? link.href.replace(/^https?:\/\/[^/]+/, "") : null; // the host that the page came from
  }
  return found;
}

/**
 * Listen to what happens. `heard(topic, body)` is called for each message; after a break the
 * browser resumes by Last-Event-ID. `state(alive)` tells whether the line stands.
 */
export function listen(topics, heard, state) {
  const source = new EventSource("/v1/stream");
  for (const topic of topics) {
    source.addEventListener(topic, (message) => heard(topic, JSON.parse(message.data)));
  }
  source.onopen = () => state(true);
  source.onerror = () => state(false);
  return () => source.close();
}
