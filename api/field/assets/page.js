/* The field page: choose a point, take shots, save; the list below says what became of them. */
"use strict";
(() => {
  const given = JSON.parse(document.getElementById("given").textContent);
  const queue = self.fieldQueue, photo = self.fieldPhoto, STATE = queue.STATE;
  const at = (id) => document.getElementById(id);
  const say = (key, facts = {}) => given.texts[key].replace(/\{(\w+)\}/g, (_, name) => facts[name]);
  const draft = {point: "", code: "", note: "", visit: ""};
  const addresses = new Map();  // of the pictures shown
  let points = [], rounds = null, place = null, signedOut = false, busy = 0, lastTry = 0;

  const make = (name, classes, text) => {
    const made = document.createElement(name);
    if (classes) made.className = classes;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // --- words at the top -------------------------------------------------------------------------------------------
  function warn(key, facts) {
    at("warning").textContent = key ? say(key, facts) : "";
    at("warning").hidden = !key;
  }

  function failed(error) {
    const full = error && (error.name === "QuotaExceededError" || /quota|full|space/i.test(String(error.message)));
    warn(full ? "full" : "not_kept", {reason: error && (error.message || error.name) || "?"});
  }

  function showLine() {
    const online = navigator.onLine !== false;
    at("line").textContent = say(online ? "online" : "offline");
    at("line").className = online ? "line good" : "line";
    at("signed_out").hidden = !signedOut;
  }

  // --- points -----------------------------------------------------------------------------------------------------
  async function loadPoints() {
    const known = await queue.recall("points");
    if (known) { points = known.value; choosePoint(); }
    try {
      const all = [];
      let next = null;
      do {
        const answer = await queue.ask(`/api/v1/points?limit=200${next ? `&cursor=${encodeURIComponent(next)}` : ""}`, {headers: {Accept: "application/json"}});
        if (answer.status === 401) { signedOut = true; showLine(); return; }
        if (!answer.ok) return;
        const page = await answer.json();
        for (const one of page.items) all.push({code: one.code, name: one.name, community: one.community, longitude: one.longitude, latitude: one.latitude});
        next = page.next;
      } while (next);
      points = all;
      await queue.remember("points", all);
      choosePoint();
    } catch (_) { /* no signal: the list of last time serves */ }
  }

  /* The patrols that this inspector walks; null where they may not walk any. Kept for where there is no signal. */
  async function loadRounds() {
    const known = await queue.recall("rounds");
    if (known) { rounds = known.value; listRounds(); }
    try {
      const answer = await queue.ask("/api/v1/patrols/rounds?limit=200", {headers: {Accept: "application/json"}});
      if (answer.status === 401) return;
      rounds = answer.ok && await mayWalk() ? (await answer.json()).items.map((one) => ({
        code: one.code, title: one.title, secrecy: one.secrecy, from: one.starts_on, to: one.ends_on, points: one.stops.map((stop) => stop.point),
      })) : null;
      await queue.remember("rounds", rounds);
      listRounds();
    } catch (_) { /* no signal: those of last time serve */ }
  }

  async function mayWalk() {
    const answer = await queue.ask("/api/v1/me", {headers: {Accept: "application/json"}});
    return answer.ok && (await answer.json()).permissions.includes("walk_patrols");
  }

  function listRounds() {
    const today = new Date().toLocaleDateString("sv", {timeZone: given.time_zone});  // the office's day, wherever the phone is
    const here = (rounds || []).filter((one) => one.points.includes(draft.point) && one.from <= today && today <= one.to);
    at("visits").hidden = rounds === null;
    at("visit").replaceChildren(...[["", say("no_visit")], [queue.OUTSIDE, say("visit")],
      ...here.map((one) => [one.code, say(one.secrecy === "secret" ? "visit_secret" : "visit_open", {title: one.title})])]
      .map(([value, words]) => { const option = make("option", "", words); option.value = value; return option; }));
    if (![...at("visit").options].some((one) => one.value === draft.visit)) draft.visit = "";
    at("visit").value = draft.visit;
  }

  function metres(one) {
    const rad = Math.PI / 180, half = (angle) => Math.sin(angle / 2) ** 2;
    const a = half((one.latitude - place.latitude) * rad)
      + Math.cos(one.latitude * rad) * Math.cos(place.latitude * rad) * half((one.longitude - place.longitude) * rad);
    return 2 * 6371008.8 * Math.asin(Math.sqrt(a));
  }

  const far = (length) => (length < 995 ? `${Math.round(length)} m` : `${(length / 1000).toFixed(1)} km`);

  /* Take the nearest point by itself, unless the inspector or a QR code has named one. */
  function choosePoint(code, byHand = false) {
    if (code) { draft.point = code; draft.byHand = byHand; keepDraft(); }
    else if (place && points.length && !draft.byHand) {
      const near = points.reduce((best, one) => (metres(one) < metres(best) ? one : best));
      if (metres(near) <= Math.max(given.near_m, place.accuracy)) draft.point = near.code;
    }
    const chosen = points.find((one) => one.code === draft.point);
    at("point_name").textContent = chosen ? chosen.name : draft.point || say("no_point");
    const facts = [];
    if (chosen) facts.push(chosen.code, chosen.community);
    if (chosen && place) facts.push(say("away", {distance: far(metres(chosen))}));
    if (place) facts.push(say("accuracy", {metres: Math.round(place.accuracy)}));
    at("point_facts").textContent = facts.join(" · ");
    listRounds();
    at("save").disabled = !draft.point || busy > 0 || !at("shots").childElementCount;
  }

  function locate() {
    if (!navigator.geolocation) { at("locate").hidden = true; return; }
    navigator.geolocation.watchPosition(
      (found) => {
        place = found.coords;
        at("locate").hidden = true;
        choosePoint();
      },
      () => { at("locate").hidden = false; },
      {enableHighAccuracy: true, maximumAge: 15000, timeout: 60000},
    );
  }

  function listPoints() {
    const wanted = at("search").value.trim().toLowerCase();
    const fitting = points.filter((one) => !wanted || `${one.code} ${one.name} ${one.community}`.toLowerCase().includes(wanted));
    if (place) fitting.sort((one, other) => metres(one) - metres(other));
    at("point_list").replaceChildren(...fitting.slice(0, 60).map((one) => {
      const button = make("button", "choice");
      button.type = "button";
      button.append(make("b", "", one.name), make("small", "", [one.code, one.community, place && far(metres(one))].filter(Boolean).join(" · ")));
      button.addEventListener("click", () => { choosePoint(one.code, true); at("points").close(); });
      return button;
    }));
    if (!fitting.length) at("point_list").append(make("p", "quiet", say(points.length ? "no_match" : "no_points")));
  }

  // --- a QR code on site, where the browser can read one -----------------------------------------------------------
  async function scan() {
    const video = at("video"), dialog = at("scanner");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({video: {facingMode: "environment"}});
    } catch (_) { warn("no_camera"); return; }
    video.srcObject = stream;
    dialog.showModal();
    await video.play();
    const reader = new self.BarcodeDetector({formats: ["qr_code"]});
    while (dialog.open) {
      try {
        for (const found of await reader.detect(video)) {
          const code = pointOf(found.rawValue);
          if (code) { choosePoint(code, true); dialog.close(); }
        }
      } catch (_) { /* a frame that is not there yet */ }
      await new Promise((done) => setTimeout(done, 250));
    }
    for (const track of stream.getTracks()) track.stop();
  }

  function pointOf(text) {
    try {
      return new URL(text).searchParams.get("point");
    } catch (_) {
      return points.some((one) => one.code === text) ? text : null;
    }
  }

  // --- shots ------------------------------------------------------------------------------------------------------
  async function takeShots(files) {
    warn("");
    for (const file of files) {
      if (at("shots").childElementCount + busy >= given.most_shots) { warn("enough", {most: given.most_shots}); break; }
      busy += 1;
      at("preparing").hidden = false;
      try {
        const ready = await photo.prepare(file, given.most_px);
        if (ready.blob.size > given.most_bytes) warn("too_large", {name: file.name, most: Math.round(given.most_bytes / 1048576)});
        else showShot(await queue.addShot(ready));
      } catch (error) {
        failed(error);
      } finally {
        busy -= 1;
        at("preparing").hidden = busy === 0;
        choosePoint();
      }
    }
    if (navigator.storage && navigator.storage.persist) navigator.storage.persist();
  }

  function showShot(shot) {
    const figure = make("figure", "shot"), image = make("img"), remove = make("button", "remove", "×");
    image.alt = say("shot", {number: at("shots").childElementCount + 1});
    image.src = address(shot.id, shot.blob);
    remove.type = "button";
    remove.setAttribute("aria-label", say("remove_shot"));
    remove.addEventListener("click", async () => {
      await queue.removeShot(shot.id);
      figure.remove();
      forget(shot.id);
      choosePoint();
    });
    figure.append(image, remove);
    at("shots").append(figure);
    choosePoint();
  }

  const address = (id, blob) => {
    if (!addresses.has(id)) addresses.set(id, URL.createObjectURL(blob));
    return addresses.get(id);
  };
  const forget = (id) => { URL.revokeObjectURL(addresses.get(id)); addresses.delete(id); };
  const keepDraft = () => queue.remember("draft", {...draft}).catch(failed);

  async function save() {
    at("save").disabled = true;
    try {
      const round = (rounds || []).find((one) => one.code === draft.visit);
      await queue.add({point: draft.point, code: draft.code, note: draft.note, visit: draft.visit, secret: Boolean(round && round.secrecy === "secret")});
    } catch (error) {
      failed(error);
      choosePoint();
      return;
    }
    at("shots").replaceChildren();
    draft.code = draft.note = at("code").value = at("note").value = "";
    keepDraft();
    choosePoint();
    warn("");
    await show();
    at("list").scrollIntoView({block: "nearest"});
    sendNow();
  }

  // --- sending and what became of it ------------------------------------------------------------------------------
  async function sendNow() {
    lastTry = Date.now();
    const how = await queue.send(() => { show(); });
    signedOut = how === "signed_out";
    if (how === "offline") askForWaking();
    showLine();
    await show();
    follow();
  }

  async function askForWaking() {
    try {
      const registration = await navigator.serviceWorker.ready;
      await registration.sync.register("pointwatch-send");
    } catch (_) { /* browsers without it send when the page is open */ }
  }

  /* Ask what became of the photos that have arrived, until each is settled. */
  async function follow() {
    for (const report of await queue.list()) {
      const open = report.captures.filter((one) => one.status === "queued" || one.status === "processing");
      if (report.state !== STATE.sent || (!open.length && report.issues)) continue;
      try {
        for (const one of open) {
          const answer = await queue.ask(`/api/v1/captures/${one.id}`, {headers: {Accept: "application/json"}});
          if (answer.ok) one.status = (await answer.json()).status;
        }
        if (report.captures.every((one) => one.status === "done" || one.status === "failed")) {
          const numbers = new Map();
          for (const one of report.captures) {
            const answer = await queue.ask(`/api/v1/issues?capture=${one.id}`, {headers: {Accept: "application/json"}});
            if (!answer.ok) return;
            for (const issue of (await answer.json()).items) numbers.set(issue.number, {number: issue.number, code: issue.violation.code, state: issue.state});
          }
          report.issues = [...numbers.values()];
        }
        await queue.keep(report);
      } catch (_) { return; }
    }
    await show();
  }

  function summary(report) {
    if (report.state === STATE.refused) return ["bad", say("refused", {problem: report.problem})];
    if (report.state === STATE.waiting) {
      if (signedOut) return ["waiting", say("waits_for_sign_in")];
      return ["waiting", report.captures.length ? say("sending", {done: report.captures.length, all: report.photos}) : say("waiting")];
    }
    if (report.captures.some((one) => one.status === "failed")) return ["bad", say("failed")];
    if (!report.issues) return ["good", say("looking")];
    return ["good", say(report.issues.length ? "found" : "nothing")];
  }

  async function show() {
    let all;
    try { all = await queue.list(); } catch (error) { failed(error); return; }
    const waiting = all.filter((one) => one.state === STATE.waiting).length;
    at("count").textContent = waiting ? say("count", {count: waiting}) : "";
    at("empty").hidden = all.length > 0;
    const focused = document.activeElement && document.activeElement.dataset.keep;
    at("list").replaceChildren(...all.map(card));
    const back = focused && at("list").querySelector(`[data-keep="${focused}"]`);
    if (back) back.focus();
  }

  function card(report) {
    const [tone, text] = summary(report), item = make("li", `report ${tone}`);
    const point = points.find((one) => one.code === report.point);
    const title = make("div", "report-title");
    const time = make("time", "", new Date(report.at).toLocaleString(given.locale, {month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short"}));
    time.dateTime = new Date(report.at).toISOString();
    title.append(make("b", "", point ? point.name : report.point), time);
    item.append(title, make("p", "report-state", text));
    const said = [say("photos", {count: report.photos}), report.visit && say(report.secret ? "was_secret" : "was_visit"), report.code && given.classes[report.code], report.note].filter(Boolean).join(" · ");
    item.append(make("p", "quiet", said));
    const links = make("p", "report-issues");
    for (const issue of report.issues || []) {
      const link = make("a", "", `${issue.number} ${given.classes[issue.code] || issue.code}`);
      link.href = `/issues/${encodeURIComponent(issue.number)}`;
      links.append(link);
    }
    if (links.childElementCount) item.append(links);
    if (report.problem && report.state !== STATE.refused) item.append(make("p", "report-problem", say("report_problem", {problem: report.problem})));
    if (report.state === STATE.refused) {
      item.append(action("again", report.id, async () => { await queue.again(report.id); await show(); sendNow(); }),
        action("drop", report.id, async () => { if (confirm(say("drop_sure"))) { await queue.remove(report.id); await show(); } }));
    }
    return item;
  }

  function action(key, id, does) {
    const button = make("button", "small", say(key));
    button.type = "button";
    button.dataset.keep = `${key}-${id}`;
    button.addEventListener("click", does);
    return button;
  }

  // --- start ------------------------------------------------------------------------------------------------------
  async function start() {
    at("shoot").addEventListener("change", async (event) => { await takeShots([...event.target.files]); event.target.value = ""; });
    at("pick").addEventListener("change", async (event) => { await takeShots([...event.target.files]); event.target.value = ""; });
    at("change").addEventListener("click", () => { at("search").value = ""; listPoints(); at("points").showModal(); });
    at("search").addEventListener("input", listPoints);
    for (const one of document.querySelectorAll("[data-close]")) one.addEventListener("click", () => one.closest("dialog").close());
    at("locate").addEventListener("click", locate);
    at("save").addEventListener("click", save);
    at("code").addEventListener("change", () => { draft.code = at("code").value; keepDraft(); });
    at("visit").addEventListener("change", () => { draft.visit = at("visit").value; keepDraft(); });
    at("note").addEventListener("input", () => { draft.note = at("note").value; keepDraft(); });
    if (self.BarcodeDetector && navigator.mediaDevices) {
      at("scan").hidden = false;
      at("scan").addEventListener("click", scan);
    }
    for (const name of ["online", "offline"]) addEventListener(name, () => { showLine(); if (name === "online") sendNow(); });
    document.addEventListener("visibilitychange", () => { if (!document.hidden) sendNow(); });
    // A phone often says "online" of a network that leads nowhere: what waits is tried again every half minute.
    setInterval(async () => {
      const all = await queue.list();
      if (all.some((one) => one.state === STATE.waiting) && Date.now() - lastTry > 25000) sendNow();
      else if (all.some((one) => one.state === STATE.sent && !one.issues)) follow();
    }, 5000);
    if ("serviceWorker" in navigator) {
      navigator.serviceWorker.register("/field/worker.js", {scope: "/field"}).catch(() => warn("no_worker"));
      navigator.serviceWorker.addEventListener("message", () => show());
    } else warn("no_worker");
    showLine();
    try {
      const kept = await queue.recall("draft");
      if (kept) Object.assign(draft, kept.value);
      for (const shot of await queue.shots()) showShot(shot);
    } catch (error) { failed(error); }
    at("code").value = draft.code;
    at("note").value = draft.note;
    const named = new URLSearchParams(location.search).get("point");
    if (named) choosePoint(named, true);
    choosePoint();
    await show();
    if (navigator.permissions) {
      try {
        const may = await navigator.permissions.query({name: "geolocation"});
        if (may.state === "granted") locate();
      } catch (_) { /* then the button asks */ }
    }
    await loadPoints();
    await loadRounds();
    await sendNow();
    document.body.dataset.ready = "yes";
    if (sessionStorage.getItem("pointwatch_tour")) import("/console/tour.js").then((tour) => tour.goOn(), () => {});
  }

  start();
})();
