/* The photos that wait on this phone, and their sending. Used by the page and by the service worker alike.

   A report is what an inspector saves at once: a point and its photos. Nothing leaves the phone's own storage
   before the server has said that it is durable there. The server knows a photo by its bytes and point, so that
   sending twice counts once. */
"use strict";

self.fieldQueue = (() => {
  const STATE = {waiting: "waiting", sent: "sent", refused: "refused"};
  const DRAFT = "draft";           // the report of shots that are not saved yet
  const OUTSIDE = "-";             // a visit outside of any round
  const SENT_KEPT = 60;            // reports that stay listed after they have arrived
  const REQUEST_MS = 90000;        // a photo over a poor line
  let opened;

  function open() {
    opened = opened || new Promise((done, fail) => {
      const asked = indexedDB.open("pointwatch-field", 1);
      asked.onupgradeneeded = () => {
        asked.result.createObjectStore("reports", {keyPath: "id"});
        asked.result.createObjectStore("photos", {keyPath: "id"}).createIndex("report", "report");
        asked.result.createObjectStore("facts", {keyPath: "name"});
      };
      asked.onsuccess = () => {
        asked.result.onversionchange = () => asked.result.close();
        asked.result.onclose = () => { opened = undefined; };
        done(asked.result);
      };
      asked.onerror = () => { opened = undefined; fail(asked.error); };
    });
    return opened;
  }

  /* Run `work(stores…)` in one transaction; what it gives (a request or a value) is the result once all is durable. */
  async function inside(mode, names, work) {
    const database = await open();
    return new Promise((done, fail) => {
      const transaction = database.transaction(names, mode, {durability: "strict"});
      const given = work(...names.map((name) => transaction.objectStore(name)));
      transaction.oncomplete = () => done(given instanceof IDBRequest ? given.result : given);
      transaction.onabort = () => fail(transaction.error || new DOMException("aborted", "AbortError"));
    });
  }

  const newId = () => (self.crypto.randomUUID ? self.crypto.randomUUID()
    : Array.from(self.crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join(""));

  /* Keep a shot at once, before it belongs to a report: a phone may end the page while its camera is open. */
  const addShot = (photo) => inside("readwrite", ["photos"], (photos) => {
    const shot = {id: newId(), report: DRAFT, place: Date.now(), blob: photo.blob, name: photo.name};
    photos.add(shot);
    return shot;
  });
  const shots = async () => (await photosOf(DRAFT)).sort((one, other) => one.place - other.place);
  const removeShot = (id) => inside("readwrite", ["photos"], (photos) => { photos.delete(id); });

  /* Make the shots a report {point, code, note}; resolves when the phone has it for good. */
  function add(report) {
    const id = newId();
    return inside("readwrite", ["reports", "photos"], (reports, photos) => {
      photos.index("report").getAll(DRAFT).onsuccess = (event) => {
        const taken = event.target.result;
        for (const photo of taken) photos.put({...photo, report: id});
        reports.add({...report, id, at: Date.now(), state: STATE.waiting, photos: taken.length, captures: [], problem: null});
      };
      return id;
    });
  }

  async function list() {
    const all = await inside("readonly", ["reports"], (reports) => reports.getAll());
    return all.sort((one, other) => other.at - one.at);
  }

  const photosOf = (id) => inside("readonly", ["photos"], (photos) => photos.index("report").getAll(id));

  function remove(id) {
    return inside("readwrite", ["reports", "photos"], (reports, photos) => {
      reports.delete(id);
      photos.index("report").openKeyCursor(id).onsuccess = (event) => {
        const found = event.target.result;
        if (found) { photos.delete(found.primaryKey); found.continue(); }
      };
    });
  }

  const remember = (name, value) => inside("readwrite", ["facts"], (facts) => { facts.put({name, value, at: Date.now()}); });
  const recall = async (name) => (await inside("readonly", ["facts"], (facts) => facts.get(name))) || null;

  async function ask(address, options) {
    const stop = new AbortController(), alarm = setTimeout(() => stop.abort(), REQUEST_MS);
    try {
      return await fetch(address, {credentials: "same-origin", ...options, signal: stop.signal});
    } finally {
      clearTimeout(alarm);
    }
  }

  async function problemOf(answer) {
    try {
      const said = await answer.json();
      return [said.title, said.detail].filter(Boolean).join(": ") || `HTTP ${answer.status}`;
    } catch (_) {
      return `HTTP ${answer.status}`;
    }
  }

  /* Send what waits, oldest first. Gives "done", or why it stopped: "offline", "signed_out". `told` hears of each step. */
  async function send(told = () => {}) {
    const going = async () => {
      const waiting = (await list()).filter((one) => one.state === STATE.waiting).reverse();
      for (const report of waiting) {
        const stopped = await sendReport(report, told);
        if (stopped) return stopped;
      }
      await forgetOld();
      return "done";
    };
    // One sender at a time, be it a tab or the service worker; where locks are missing the server counts twice as once.
    return self.navigator.locks ? self.navigator.locks.request("pointwatch-field-send", going) : going();
  }

  async function sendReport(report, told) {
    for (const photo of (await photosOf(report.id)).sort((one, other) => one.place - other.place)) {
      const form = new FormData();
      form.append("photos", photo.blob, photo.name);
      if (report.point) form.append("point_id", report.point);
      let answer;
      try {
        answer = await ask("/api/v1/captures", {method: "POST", body: form, headers: {Accept: "application/json"}});
      } catch (_) {
        return "offline";
      }
      if (answer.status === 401) return "signed_out";
      if (answer.status >= 500 || answer.status === 429 || answer.status === 408) return "offline";
      if (!answer.ok) {
        report.problem = await problemOf(answer);
        report.state = STATE.refused;
        await keep(report);
        told(report);
        return null;  // the others may fare better
      }
      const taken = (await answer.json()).captures[0];
      report.captures.push({id: taken.id, status: taken.status});
      await inside("readwrite", ["reports", "photos"], (reports, photos) => { reports.put(report); photos.delete(photo.id); });
      told(report);
    }
    const after = await named(report) || await visited(report);
    if (after) return after;
    report.state = STATE.sent;
    report.sentAt = Date.now();
    await keep(report);
    told(report);
    return null;
  }

  /* A kind of violation that the inspector has named becomes a report by hand, once the photos are there. */
  async function named(report) {
    if (!report.code) return null;
    let answer;
    try {
      answer = await ask("/api/v1/issues", {
        method: "POST",
        headers: {"Content-Type": "application/json", Accept: "application/json", "Idempotency-Key": report.id},
        body: JSON.stringify({
          point: report.point, class_code: report.code, note: report.note || "",
          capture_ids: report.captures.map((one) => one.id),
        }),
      });
    } catch (_) {
      return "offline";
    }
    if (answer.status === 401) return "signed_out";
    if (answer.status >= 500 || answer.status === 429 || answer.status === 408) return "offline";
    if (answer.ok) report.issue = (await answer.json()).number;
    else report.problem = await problemOf(answer);  // the photos have arrived all the same
    return null;
  }

  /* A report that is part of a patrol becomes a visit of its point, begun and ended with these photos. */
  async function visited(report) {
    if (!report.visit) return null;
    const tell = (address, body) => ask(address, {
      method: "POST", headers: {"Content-Type": "application/json", Accept: "application/json"}, body: JSON.stringify(body),
    });
    try {
      if (!report.visitId) {
        const begun = await tell("/api/v1/patrols/visits", {point: report.point, round: report.visit === OUTSIDE ? null : report.visit});
        const stopped = stops(begun);
        if (stopped) return stopped;
        if (!begun.ok) { report.problem = await problemOf(begun); return null; }
        report.visitId = (await begun.json()).id;
        await keep(report);
      }
      const ended = await tell(`/api/v1/patrols/visits/${report.visitId}/finish`, {
        note: report.note || "", captures: report.captures.map((one) => one.id),
      });
      const stopped = stops(ended);
      if (stopped) return stopped;
      if (!ended.ok && ended.status !== 409) report.problem = await problemOf(ended);  // 409: it was ended before
    } catch (_) {
      return "offline";
    }
    return null;
  }

  const stops = (answer) => (answer.status === 401 ? "signed_out"
    : answer.status >= 500 || answer.status === 429 || answer.status === 408 ? "offline" : null);

  const keep = (report) => inside("readwrite", ["reports"], (reports) => { reports.put(report); });

  async function again(id) {
    const report = await inside("readonly", ["reports"], (reports) => reports.get(id));
    if (report) await keep({...report, state: STATE.waiting, problem: null});
  }

  async function forgetOld() {
    const sent = (await list()).filter((one) => one.state === STATE.sent).slice(SENT_KEPT);
    for (const report of sent) await remove(report.id);
  }

  return {STATE, OUTSIDE, addShot, shots, removeShot, add, list, photosOf, remove, remember, recall, send, again, keep, ask, problemOf};
})();
