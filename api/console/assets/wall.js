// The wall asks for the figures every few seconds. Whatever goes wrong, it says so, keeps what it showed, and asks again.
"use strict";
const ASK_EVERY_MS = 4000, GIVE_UP_MS = 10000, ANEW_EVERY_MS = 12 * 3600 * 1000; // a new version of this page is met within half a day
const { language, zone, texts, states } = JSON.parse(document.getElementById("given").textContent);
const board = document.getElementById("board"), state = document.getElementById("state");
const moment = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
const began = Date.now();
let shown = "", last = 0;

function made(name, classes, ...inside) {
  const element = document.createElement(name);
  if (classes) element.className = classes;
  element.append(...inside.map((one) => (typeof one === "number" ? String(one) : one)));
  return element;
}
const named = (entry) => (language === "en" ? entry.en : entry.zh);
const card = (title, ...inside) => made("section", "card", made("h2", "", title), ...inside);

function tile(name, count, look) {
  const one = made("div", "tile", made("strong", "", count), made("span", "", texts[name]));
  if (look) one.dataset.look = look;
  one.dataset.tile = name;
  return one;
}

function bars(rows) {
  const most = Math.max(1, ...rows.map((one) => one.count));
  return made("ul", "bars", ...rows.map((one) => {
    const bar = made("b", "");
    bar.style.width = `${(one.count / most) * 100}%`;
    return made("li", "", made("span", "", one.name), made("i", "", bar), made("em", "", one.count));
  }));
}

function trend(days) {
  const most = Math.max(4, ...days.flatMap((one) => [one.opened, one.closed]));
  const column = (kind, count) => { const bar = made("b", kind); bar.style.height = `${(count / most) * 100}%`; return bar; };
  const columns = days.map((one) => made("li", "", made("span", "", column("opened", one.opened), column("closed", one.closed)), made("small", "", one.day.slice(5))));
  return [made("p", "legend", made("i", "opened"), texts.opened, made("i", "closed"), texts.closed), made("ol", "trend", ...columns)];
}

function newest(rows) {
  return made("ul", "newest", ...rows.map((row) => {
    const picture = row.cover_capture_id ? made("img", "") : made("span", "none");
    if (row.cover_capture_id) {
      picture.onerror = () => picture.replaceWith(made("span", "none"));
      picture.src = `/api/v1/captures/${row.cover_capture_id}/picture?boxes=true&small=true`;
      picture.alt = "";
    }
    const word = made("span", "state", states[row.state] || row.state);
    word.dataset.state = row.state;
    return made("li", "", picture, made("div", "", made("strong", "", named(row.violation)), word, made("small", "", `${row.point.code} ${row.point.name}`), made("small", "", moment.format(new Date(row.opened_at)).slice(5))));
  }));
}

function show(f) {
  const counts = Object.entries(f.cameras).filter(([name]) => name !== "off");
  const all = counts.reduce((sum, [, count]) => sum + count, 0), online = f.cameras.online || 0;
  const tiles = [
    tile("at_work", f.at_work), tile("overdue", f.overdue, f.overdue ? "open" : "clear"), tile("due_today", f.due_today, f.due_today ? "in_review" : ""),
    tile("suspected", f.suspected), tile("affected", `${f.points_with_open} / ${f.points}`),
    ...(all ? [tile("cameras", `${online} / ${all}`, counts.some(([name]) => !["online", "waiting"].includes(name)) ? "open" : "")] : []),
  ];
  board.replaceChildren(
    made("div", "tiles", ...tiles),
    card(texts.by_kind, bars(f.by_kind.map((one) => ({ name: named(one), count: one.count })))),
    card(texts.by_community, f.by_community.length ? bars(f.by_community.slice(0, 10)) : made("p", "", texts.nothing)),
    card(texts.trend, ...trend(f.days)),
    card(texts.newest, f.newest.length ? newest(f.newest.slice(0, 8)) : made("p", "", texts.nothing)),
  );
}

async function ask() {
  try {
    const answer = await fetch("/api/v1/overview", { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(GIVE_UP_MS), cache: "no-store" });
    if (answer.status === 401) { location.href = "/sign-in?onward=/wall"; return; }
    if (!answer.ok) throw new Error(answer.status);
    const figures = await answer.json(), { at, ...rest } = figures, now = JSON.stringify(rest);
    if (now !== shown) show(figures);
    shown = now;
    last = Date.now();
    state.textContent = "";
    if (Date.now() - began > ANEW_EVERY_MS) location.reload();
  } catch {
    state.textContent = last ? `${texts.lost} ${texts.since.replace("{at}", moment.format(last).slice(11))}` : texts.lost;
  }
  setTimeout(ask, ASK_EVERY_MS);
}

function tick() {
  document.getElementById("clock").textContent = moment.format(Date.now());
  setTimeout(tick, 1000);
}
tick();
ask();
