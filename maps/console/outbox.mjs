/**
 * What a grid worker has done on a weak network: kept in the browser until the service has it, and
 * sent once. Each deed carries its own idempotency key, so a repeated sending changes nothing.
 */

import {Problem, send} from "./api.mjs";

const STORE = "deeds";

function open() {
  return new Promise((done, failed) => {
    const asked = indexedDB.open("gridward-outbox", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, {keyPath: "key"});
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
}

async function inStore(mode, work) {
  const database = await open();
  try {
    return await new Promise((done, failed) => {
      const change = database.transaction(STORE, mode);
      const asked = work(change.objectStore(STORE));
      change.oncomplete = () => done(asked.result);
      change.onerror = () => failed(change.error);
    });
  } finally {
    database.close();
  }
}

/** Return 32 random hexadecimal digits (pages without TLS have no randomUUID). */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Everything that waits, oldest first. */
export async function waiting() {
  const deeds = await inStore("readonly", (store) => store.getAll());
  return deeds.sort((a, b) => a.at - b.at);
}

/** Keep a deed: `{order, url, body, photos, words}`; it is sent at once when the network allows. */
export async function keep(deed) {
  await inStore("readwrite", (store) => store.put({...deed, key: newKey(), at: Date.now(), refused: null}));
}

/** Give a deed up (the service refused it, and the person has read why). */
export async function drop(key) {
  await inStore("readwrite", (store) => store.delete(key));
}

let running = null;

/** Send what waits, in order; `changed` is called after each. A refused deed stays, with the reason. */
export function flush(changed) {
  running ??= _flush(changed).finally(() => { running = null; });
  return running;
}

async function _flush(changed) {
  const stuck = new Set();
  for (const deed of await waiting()) {
    if (deed.refused || stuck.has(deed.order)) { stuck.add(deed.order); continue; }
    try {
      await deliver(deed);
      await drop(deed.key);
    } catch (error) {
      if (!(error instanceof Problem)) { throw error; }
      // no answer, or an overloaded service: later deeds would fare no better
      if (error.status === 0 || error.status >= 500 || error.status === 429 || error.status === 401) { changed(); return; }
      stuck.add(deed.order);
      await inStore("readwrite", (store) => store.put({...deed, refused: error.message}));
    }
    changed();
  }
}

async function deliver(deed) {
  for (const [number, photo] of (deed.photos || []).entries()) {
    const form = new FormData();
    form.append("photo", photo, photo.name || `photo-${number + 1}.jpg`);
    await send("POST", deed.photos_url, {body: form, key: `${deed.key}-${number}`});
  }
  await send("POST", deed.url, {body: deed.body, key: deed.key});
}
