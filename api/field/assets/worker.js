/* The service worker: the page opens without a signal, and waiting photos leave when the signal comes back. */
"use strict";
const SHELL = "pointwatch-field-shell-VERSION";
const FILES = ["/field", "/field/app/field.css", "/field/app/queue.js", "/field/app/photo.js", "/field/app/page.js"];
importScripts("/field/app/queue.js?v=VERSION");

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((kept) => Promise.all(FILES.map((file) => fetchInto(kept, file)))).then(() => self.skipWaiting()));
});

async function fetchInto(kept, file) {
  const answer = await fetch(file, {credentials: "same-origin", cache: "no-cache"});
  if (!answer.ok || answer.redirected) throw new Error(`${file}: ${answer.status}`);  // a sign-in page is not the page
  await kept.put(file, answer);
}

self.addEventListener("activate", (event) => {
  event.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter((one) => one.startsWith("pointwatch-field-shell-") && one !== SHELL).map((one) => caches.delete(one))))
    .then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (event.request.method !== "GET" || address.origin !== location.origin) return;
  if (event.request.mode === "navigate" && address.pathname === "/field") event.respondWith(page(event.request));
  else if (FILES.includes(address.pathname)) event.respondWith(file(address.pathname, event.request));
});

/* The page as the server has it now, or as it was last seen: without a signal, and where the sign-in has ended. */
async function page(request) {
  const kept = await caches.open(SHELL), stop = new AbortController(), alarm = setTimeout(() => stop.abort(), 4000);
  try {
    const answer = await fetch("/field", {credentials: "same-origin", redirect: "manual", signal: stop.signal});
    if (answer.ok) {
      await kept.put("/field", answer.clone());
      return answer;
    }
    return (await kept.match("/field")) || fetch(request);
  } catch (error) {
    const found = await kept.match("/field");
    if (found) return found;
    throw error;
  } finally {
    clearTimeout(alarm);
  }
}

async function file(path, request) {
  return (await (await caches.open(SHELL)).match(path)) || fetch(request);
}

self.addEventListener("sync", (event) => {
  if (event.tag === "pointwatch-send") event.waitUntil(sendAll());
});

async function sendAll() {
  const how = await self.fieldQueue.send(tellPages);
  await tellPages();
  if (how === "offline") throw new Error("not yet");  // the browser tries again by itself
}

async function tellPages() {
  for (const one of await self.clients.matchAll({type: "window"})) one.postMessage("changed");
}
