// Leads somebody who is new through the day's work, from page to page. Where it stands is kept in the tab; that it was
// taken or refused, in the browser, for each user. The steps and their words come from the server: what this user may see.
import { driver } from "/console/driver/driver.js";

const AT = "pointwatch_tour", SEEN = "pointwatch_tour_seen_";
const PATIENCE_MS = 8000; // a step whose part of the page does not come is told in the middle of it
const SHEETS = ["/console/driver/driver.css", "/console/tour.css"];
let running = null;

async function steps() {
  const answer = await fetch("/tour", { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`/tour: ${answer.status}`);
  return answer.json();
}

function sheets() {
  const missing = SHEETS.filter((one) => !document.querySelector(`link[href="${one}"]`));
  return Promise.all(missing.map((one) => new Promise((done) => {
    const link = document.createElement("link");
    Object.assign(link, { rel: "stylesheet", href: one, onload: done, onerror: done });
    document.head.append(link);
  })));
}

// The first of the parts that is shown: on a phone an entry lies behind the menu's button.
function shown(selectors) {
  return selectors.map((one) => document.querySelector(one)).find((one) => one && one.getClientRects().length);
}

function hush(event) { if (event.key !== "Tab") event.stopPropagation(); } // the keys of the page beneath rest meanwhile

function end(tour) {
  running = null;
  removeEventListener("keydown", hush, true);
  sessionStorage.removeItem(AT);
  if (tour) localStorage.setItem(SEEN + tour.who, new Date().toISOString());
  dispatchEvent(new Event("pointwatch-tour-ended"));
  const back = shown([".pw-help", ".pw-more-button", "#main"]);
  if (back) back.focus();
}

export function offered(who) {
  return localStorage.getItem(SEEN + who) === null && sessionStorage.getItem(AT) === null;
}

export function refuse(who) { localStorage.setItem(SEEN + who, new Date().toISOString()); }

// From the beginning, whatever was seen before.
export async function start() {
  if (running?.isActive()) return;
  document.querySelector(".pw-everything:popover-open")?.hidePopover();
  sessionStorage.setItem(AT, "0");
  await goOn();
}

export async function goOn() {
  if (running?.isActive()) return;
  let tour;
  try {
    [tour] = await Promise.all([steps(), sheets()]);
  } catch {
    return end(null); // signed out, or no signal: nothing to say that the page does not say itself
  }
  let at = Number(sessionStorage.getItem(AT));
  if (!tour.steps[at]) return end(tour);
  if (tour.steps[at].path !== location.pathname) {
    const here = tour.steps.findIndex((one) => one.path === location.pathname);
    if (at === 0) return location.assign(tour.steps[0].path);
    if (here < 0) return end(tour); // gone elsewhere by a link of one's own
    at = here; // back by the browser's button
  }
  show(tour, at);
}

function show(tour, at) {
  const go = (to) => {
    const next = tour.steps[to];
    sessionStorage.setItem(AT, String(to));
    if (next.path === location.pathname) running.moveTo(to);
    else location.assign(next.path);
  };
  const leave = () => { // the library tells of its end only where a step has slid into its place: a quick Escape is one too
    running.destroy();
    end(tour);
  };
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  sessionStorage.setItem(AT, String(at));
  running = driver({
    steps: tour.steps.map((one) => ({
      element: () => shown(one.shows),
      popover: { title: escaped(one.title), description: escaped(one.text) },
    })),
    animate: !still, smoothScroll: !still, duration: 200,
    waitForElement: PATIENCE_MS,
    disableActiveInteraction: true, // pages change by the tour's own buttons
    overlayClickBehavior: () => {}, // a slip of the hand ends nothing
    overlayOpacity: 0.6, stagePadding: 6, stageRadius: 10,
    showProgress: true, progressText: "{{current}} / {{total}}",
    nextBtnText: escaped(tour.texts.next), prevBtnText: escaped(tour.texts.previous), doneBtnText: escaped(tour.texts.done),
    onPopoverRender: (popover) => {
      popover.wrapper.setAttribute("aria-modal", "true");
      popover.closeButton.setAttribute("aria-label", tour.texts.skip);
      popover.closeButton.title = tour.texts.skip;
      queueMicrotask(() => popover.nextButton.focus());
    },
    onHighlighted: (element) => { // what is pointed at opens no dialog
      for (const name of ["aria-haspopup", "aria-expanded", "aria-controls"]) element?.removeAttribute(name);
    },
    onNextClick: (_element, _step, { index }) => (tour.steps[index + 1] ? go(index + 1) : leave()),
    onPrevClick: (_element, _step, { index }) => tour.steps[index - 1] && go(index - 1),
    onDestroyStarted: leave,
  });
  addEventListener("keydown", hush, true);
  running.drive(at);
}

function escaped(words) {
  const holder = document.createElement("span");
  holder.textContent = words;
  return holder.innerHTML;
}
