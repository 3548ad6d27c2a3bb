// One camera: its picture with its zones, drawn and dragged with mouse, finger or keyboard, and what it reported.
const EVERY_MS = 5000;
const NEAR = 0.02; // of the picture: a click so near to the first corner closes a zone
const STEP = 0.005; // of the picture: one press of an arrow key
const COLOURS = { no_parking: "#e5484d", fire_lane: "#c2185b", keep_clear: "#f59e0b", bins: "#0ea5a4", ignore: "#7c8694" };

export default {
  props: { code: String, may: Boolean, looks: Boolean, language: String, clock: String, kinds: Object, dwells: Object, classes: Array, days: Object, names: Object, texts: Object, states: Object, troubles: Object },
  data() {
    return {
      camera: null, still: "", ratio: 16 / 9, zones: [], kept: "[]", etag: "", chosen: -1, corner: -1, drawing: null, drag: null,
      message: "", tone: "", stale: false, busy: false, report: null, events: [], next: null, colours: COLOURS,
    };
  },
  computed: {
    changed() { return JSON.stringify(this.zones) !== this.kept; },
    zone() { return this.zones[this.chosen]; },
    height() { return 1000 / this.ratio; },
    url() { return `/api/v1/cameras/${encodeURIComponent(this.code)}`; },
    why() {
      const one = this.camera;
      if (!one) return "";
      if (one.active && !one.watched) return this.texts.unwatched;
      if (one.state === "moved" || one.state === "covered") return this.texts[one.state];
      return one.figures.trouble && one.state !== "online" ? this.troubles[one.figures.trouble] || one.why : "";
    },
  },
  async mounted() {
    addEventListener("beforeunload", this.warn);
    await this.load();
    await this.refresh();
    this.timer = setInterval(this.refresh, EVERY_MS);
  },
  unmounted() { clearInterval(this.timer); removeEventListener("beforeunload", this.warn); if (this.still) URL.revokeObjectURL(this.still); },
  methods: {
    say(key, facts = {}) { return this.texts[key].replace(/\{(\w+)\}/g, (_, name) => facts[name]); },
    tell(message, tone = "") { this.message = message; this.tone = tone; },
    warn(event) { if (this.changed) event.preventDefault(); },
    async ask(path, options = {}) {
      const headers = { Accept: "application/json", ...(options.body ? { "Content-Type": "application/json" } : {}), ...(options.headers || {}) };
      const answer = await fetch(path, { ...options, headers });
      if (answer.status === 401) { location.assign(`/sign-in?onward=/cameras/${this.code}`); throw new Error("401"); }
      const said = answer.status === 204 ? null : await answer.json();
      if (!answer.ok) throw Object.assign(new Error([said.title, said.detail].filter(Boolean).join(": ")), { status: answer.status });
      return { said, etag: answer.headers.get("ETag") };
    },
    async load() {
      try {
        const { said, etag } = await this.ask(`${this.url}/zones`);
        this.zones = said.zones.map((one) => ({ ...one, hours: one.hours || [], classes: one.classes || [] }));
        this.kept = JSON.stringify(this.zones);
        this.etag = etag;
        this.chosen = this.zones.length ? 0 : -1;
        this.corner = -1;
        this.stale = false;
        this.tell("");
      } catch (error) { this.tell(this.say("failed", { problem: error.message }), "bad"); }
    },
    async refresh() {
      if (document.hidden && this.camera) return;
      try {
        this.camera = (await this.ask(this.url)).said;
        const page = (await this.ask(`${this.url}/events?limit=30`)).said;
        const older = this.events.filter((one) => page.items.length && one.id < page.items[page.items.length - 1].id);
        if (!older.length) this.next = page.next;
        this.events = [...page.items, ...older];
        const answer = this.camera.still_at ? await fetch(`${this.url}/still`) : null;
        if (answer && answer.ok) {
          const old = this.still;
          this.still = URL.createObjectURL(await answer.blob());
          if (old) setTimeout(() => URL.revokeObjectURL(old), 1000);
        }
      } catch (error) { if (!this.message) this.tell(this.say("failed", { problem: error.message }), "bad"); }
    },
    async more() {
      const page = (await this.ask(`${this.url}/events?limit=30&cursor=${encodeURIComponent(this.next)}`)).said;
      this.events.push(...page.items);
      this.next = page.next;
    },
    fit(event) { if (event.target.naturalWidth) this.ratio = event.target.naturalWidth / event.target.naturalHeight; },
    spot(event) {
      const frame = this.$refs.picture.getBoundingClientRect();
      const share = (value, from, length) => Math.round(Math.min(1, Math.max(0, (value - from) / length)) * 1e4) / 1e4;
      return [share(event.clientX, frame.left, frame.width), share(event.clientY, frame.top, frame.height)];
    },
    path(polygon) { return polygon.map(([x, y]) => `${x * 1000},${y * this.height}`).join(" "); },
    near(a, b) { return Math.hypot(a[0] - b[0], (a[1] - b[1]) / this.ratio) < NEAR; },
    begin() { this.drawing = []; this.chosen = this.corner = -1; this.tell(this.texts.drawing); this.$nextTick(() => this.$refs.picture.focus()); },
    press(event) {
      if (!this.may || event.button > 0) return;
      if (this.drawing) {
        event.preventDefault();
        const at = this.spot(event);
        if (this.drawing.length >= 3 && this.near(at, this.drawing[0])) return this.close();
        this.drawing.push(at);
        return;
      }
      this.chosen = this.corner = -1;
    },
    close() {
      if (!this.drawing || this.drawing.length < 3) return;
      const taken = new Set(this.zones.map((one) => one.name));
      let number = this.zones.length + 1;
      while (taken.has(this.say("zone", { number }))) number += 1;
      this.zones.push({ name: this.say("zone", { number }), kind: "no_parking", polygon: this.drawing, classes: [], hours: [], dwell: null });
      this.drawing = null;
      this.chosen = this.zones.length - 1;
      this.tell("");
    },
    grab(event, zone, corner) {
      if (this.drawing || event.button > 0) return;
      event.stopPropagation();
      this.chosen = zone;
      this.corner = corner;
      if (!this.may) return;
      event.preventDefault();
      this.$refs.picture.setPointerCapture(event.pointerId);
      this.drag = { zone, corner, from: this.spot(event), polygon: this.zones[zone].polygon.map((one) => [...one]) };
      if (corner >= 0) this.$nextTick(() => this.$el.querySelector(`[data-corner="${zone}-${corner}"]`)?.focus());
    },
    move(event) {
      if (!this.drag) return;
      const at = this.spot(event), { zone, corner, from, polygon } = this.drag;
      if (corner >= 0) { this.zones[zone].polygon[corner] = at; return; }
      this.shift(zone, polygon, at[0] - from[0], at[1] - from[1]);
    },
    shift(zone, polygon, right, down) {
      const xs = polygon.map((one) => one[0]), ys = polygon.map((one) => one[1]);
      const dx = Math.min(1 - Math.max(...xs), Math.max(-Math.min(...xs), right)), dy = Math.min(1 - Math.max(...ys), Math.max(-Math.min(...ys), down));
      this.zones[zone].polygon = polygon.map(([x, y]) => [Math.round((x + dx) * 1e4) / 1e4, Math.round((y + dy) * 1e4) / 1e4]);
    },
    release() { this.drag = null; },
    middle(polygon, n) { const a = polygon[n], b = polygon[(n + 1) % polygon.length]; return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]; },
    insert(event, zone, n) {
      if (!this.may || event.button > 0) return;
      this.zones[zone].polygon.splice(n + 1, 0, this.spot(event));
      this.grab(event, zone, n + 1);
    },
    key(event) {
      if (this.drawing) {
        if (event.key === "Escape") { this.drawing = null; this.tell(""); }
        if (event.key === "Enter") this.close();
        if (event.key === "Backspace" || event.key === "Delete") { this.drawing.pop(); event.preventDefault(); }
        return;
      }
      if (!this.may || !this.zone) return;
      const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (arrows) {
        event.preventDefault();
        const by = STEP * (event.shiftKey ? 5 : 1);
        if (this.corner < 0) return this.shift(this.chosen, this.zone.polygon, arrows[0] * by, arrows[1] * by);
        const [x, y] = this.zone.polygon[this.corner];
        this.zone.polygon[this.corner] = [Math.min(1, Math.max(0, x + arrows[0] * by)), Math.min(1, Math.max(0, y + arrows[1] * by))];
      } else if (event.key === "Delete" || event.key === "Backspace") {
        event.preventDefault();
        this.remove();
      } else if (event.key === "Escape") this.corner = -1;
    },
    remove() {
      if (this.corner >= 0 && this.zone.polygon.length > 3) { this.zone.polygon.splice(this.corner, 1); this.corner = -1; return; }
      this.zones.splice(this.chosen, 1);
      this.chosen = this.zones.length - 1;
      this.corner = -1;
    },
    toggle(list, value) { const at = list.indexOf(value); if (at < 0) list.push(value); else list.splice(at, 1); },
    wanted() {
      return this.zones.map((one) => ({
        name: one.name, kind: one.kind, polygon: one.polygon, classes: one.classes,
        hours: one.hours.map((when) => ({ days: when.days, from: when.from, to: when.to })),
        ...(one.dwell === null || one.dwell === "" || one.dwell === undefined ? {} : { dwell: Number(one.dwell) }),
      }));
    },
    async save() {
      this.busy = true;
      try {
        const body = JSON.stringify({ zones: this.wanted() });
        const { etag } = await this.ask(`${this.url}/zones`, { method: "PUT", body, headers: { "If-Match": this.etag } });
        this.etag = etag;
        this.kept = JSON.stringify(this.zones);
        this.tell(this.texts.saved, "good");
      } catch (error) {
        this.stale = error.status === 412;
        this.tell(this.stale ? this.texts.stale : this.say("failed", { problem: error.message }), "bad");
      }
      this.busy = false;
    },
    async test() {
      this.busy = true;
      this.report = null;
      this.tell(this.texts.testing);
      try { this.report = (await this.ask(`${this.url}/test`, { method: "POST" })).said; this.tell(""); }
      catch (error) { this.tell(this.say("failed", { problem: error.message }), "bad"); }
      this.busy = false;
    },
    async change(fields) {
      const { code, name, point, kind, transport, every_s, weight, active, revision } = this.camera;
      try {
        const body = JSON.stringify({ code, name, point, kind, transport, every_s, weight, active, ...fields });
        this.camera = (await this.ask(this.url, { method: "PUT", body, headers: { "If-Match": `"${revision}"` } })).said;
      } catch (error) { this.tell(this.say("failed", { problem: error.message }), "bad"); }
    },
    async discard() {
      if (!confirm(this.texts.sure)) return;
      try { await this.ask(this.url, { method: "DELETE" }); this.kept = JSON.stringify(this.zones); location.assign("/cameras"); }
      catch (error) { this.tell(this.say("failed", { problem: error.message }), "bad"); }
    },
    at(time) { return new Date(time).toLocaleString(this.language, { dateStyle: "short", timeStyle: "medium", hour12: false, timeZone: this.clock }); },
    length(seconds) {
      const s = Math.round(seconds), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
      return h ? `${h}:${String(m).padStart(2, "0")}:${String(s % 60).padStart(2, "0")}` : `${m}:${String(s % 60).padStart(2, "0")}`;
    },
    clip(one) {
      const reason = prompt(this.texts.reason);
      if (reason && reason.trim().length >= 5) location.assign(`${this.url}/events/${one.id}/clip?reason=${encodeURIComponent(reason.trim())}`);
    },
  },
  template: `
    <div class="pw-columns pw-columns-issue pw-zones">
      <div class="pw-beside">
        <section class="pw-card">
          <p v-if="camera" class="pw-head-line">
            <span class="pw-camera-state" :data-state="camera.state">{{ states[camera.state] }}</span><span class="pw-number">{{ camera.code }}</span>
            <a :href="'/issues?point=' + encodeURIComponent(camera.point)">{{ camera.point }}</a><span class="pw-camera-address">{{ camera.address }}</span>
          </p>
          <p v-if="why" class="pw-camera-why" role="status">{{ why }}</p>
          <div class="pw-zones-picture" ref="picture" tabindex="0" :class="{ drawing }" :style="{ aspectRatio: ratio }" :aria-label="texts.picture"
            @pointerdown="press" @pointermove="move" @pointerup="release" @pointercancel="release" @dblclick="close" @keydown="key">
            <img v-if="still" :src="still" alt="" draggable="false" @load="fit">
            <p v-else class="pw-hint">{{ texts.no_still }}</p>
            <svg :viewBox="'0 0 1000 ' + height" preserveAspectRatio="none">
              <g v-for="(one, n) in zones" :key="n" :style="{ color: colours[one.kind] }">
                <polygon :points="path(one.polygon)" :class="{ chosen: n === chosen }" @pointerdown="grab($event, n, -1)"><title>{{ one.name }}</title></polygon>
                <text :x="one.polygon[0][0] * 1000 + 8" :y="Math.max(24, one.polygon[0][1] * height - 8)">{{ one.name }}</text>
                <template v-if="n === chosen && may">
                  <circle v-for="(spot, c) in one.polygon" :key="'m' + c" class="middle" r="7" :cx="middle(one.polygon, c)[0] * 1000" :cy="middle(one.polygon, c)[1] * height" @pointerdown="insert($event, n, c)"></circle>
                  <circle v-for="(spot, c) in one.polygon" :key="c" :class="{ chosen: c === corner }" r="11" :cx="spot[0] * 1000" :cy="spot[1] * height" tabindex="0" role="button"
                    :data-corner="n + '-' + c" :aria-label="say('corner', { number: c + 1, name: one.name })" @focus="corner = c" @pointerdown="grab($event, n, c)"></circle>
                </template>
              </g>
              <g v-if="drawing" class="new"><polyline :points="path(drawing)"></polyline><circle v-for="(spot, c) in drawing" :key="c" r="9" :cx="spot[0] * 1000" :cy="spot[1] * height"></circle></g>
            </svg>
          </div>
          <div v-if="may" class="pw-actions pw-zones-bar">
            <button type="button" class="pw-button pw-second" :aria-pressed="!!drawing" @click="drawing ? (drawing = null) : begin()">{{ drawing ? texts.cancel : texts.draw }}</button>
            <button v-if="drawing" type="button" class="pw-button pw-second" :disabled="drawing.length < 3" @click="close">{{ texts.close }}</button>
            <button type="button" class="pw-button" :disabled="!changed || busy" @click="save">{{ texts.save }}</button>
            <button v-if="stale" type="button" class="pw-button pw-second" @click="load">{{ texts.reload }}</button>
            <button v-if="camera && camera.state === 'moved' && !changed" type="button" class="pw-button" :disabled="busy" @click="save">{{ texts.checked }}</button>
            <a class="pw-quiet" :href="url + '/zones/export'" download>{{ texts.export }}</a>
          </div>
          <p v-if="message" role="status" class="pw-hint" :class="tone ? 'pw-' + tone : ''">{{ message }}</p>
          <p v-if="may" class="pw-hint">{{ texts.keys }}</p>
        </section>
        <section class="pw-card pw-last">
          <h2>{{ texts.timeline }}</h2>
          <p v-if="!events.length" class="pw-empty">{{ texts.nothing }}</p>
          <ol class="pw-stays">
            <li v-for="one in events" :key="one.id">
              <a v-if="one.capture_id" :href="one.issue ? '/issues/' + one.issue : '/api/v1/captures/' + one.capture_id + '/picture?boxes=true'"><img loading="lazy" :src="'/api/v1/captures/' + one.capture_id + '/picture?boxes=true&small=true'" :alt="names[one.class_code] || one.class_code"></a>
              <i v-else></i>
              <div>
                <p class="pw-head-line"><strong>{{ names[one.class_code] || one.class_code }}</strong><span>{{ one.zone }}</span>
                <b v-if="!one.ended_at" class="pw-camera-state" data-state="lasting">{{ texts.lasts }}</b></p>
                <p class="pw-hint">{{ at(one.since_at) }} – {{ one.ended_at ? at(one.ended_at) : at(one.last_at) }} · {{ say('length', { length: length(one.length_s) }) }}<template v-if="one.ending && one.ending !== 'gone'"> · {{ texts['ending_' + one.ending] }}</template></p>
                <p class="pw-hint">{{ say('stream', { from: one.since_s.toFixed(1), to: one.last_s.toFixed(1) }) }}<template v-if="one.camera_at"> · {{ say('camera_at', { at: at(one.camera_at) }) }}</template> · {{ Math.round(one.confidence * 100) }} %</p>
                <p class="pw-head-line"><a v-if="one.issue" :href="'/issues/' + one.issue" class="pw-number">{{ one.issue }}</a>
                  <button v-if="one.has_clip && looks" type="button" class="pw-quiet" @click="clip(one)">{{ texts.clip }}</button><span v-if="one.error" class="pw-bad">{{ one.error }}</span></p>
              </div>
            </li>
          </ol>
          <button v-if="next" type="button" class="pw-quiet" @click="more">{{ texts.more }}</button>
        </section>
      </div>
      <aside class="pw-beside">
        <section class="pw-card">
          <h2>{{ texts.zones }}</h2>
          <p v-if="!zones.length" class="pw-hint">{{ texts.no_zones }}</p>
          <ul class="pw-zones-list"><li v-for="(one, n) in zones" :key="n"><button type="button" class="pw-quiet" :aria-pressed="n === chosen" @click="chosen = n; corner = -1"><i :style="{ background: colours[one.kind] }"></i>{{ one.name }}</button></li></ul>
          <fieldset v-if="zone" class="pw-camera-form" :disabled="!may">
            <label class="wide">{{ texts.name }}<input v-model="zone.name" name="zone-name" maxlength="80"></label>
            <label class="wide">{{ texts.kind }}<select v-model="zone.kind" name="zone-kind"><option v-for="(name, kind) in kinds" :key="kind" :value="kind">{{ name }}</option></select></label>
            <label v-if="zone.kind !== 'ignore'" class="wide">{{ texts.dwell }}<input v-model="zone.dwell" name="zone-dwell" type="number" min="0" max="604800" step="1" :placeholder="dwells[zone.kind]"></label>
            <details v-if="zone.kind !== 'ignore'" class="wide"><summary>{{ texts.classes }}<span v-if="zone.classes.length"> ({{ zone.classes.length }})</span></summary>
              <label v-for="one in classes" :key="one.code" class="pw-check"><input type="checkbox" :checked="zone.classes.includes(one.code)" @change="toggle(zone.classes, one.code)">{{ one.name }}</label>
              <p class="pw-hint">{{ texts.classes_hint }}</p>
            </details>
            <details v-if="zone.kind !== 'ignore'" class="wide" :open="zone.hours.length > 0"><summary>{{ texts.hours }}</summary>
              <div v-for="(when, h) in zone.hours" :key="h" class="pw-hours">
                <label v-for="(name, day) in days" :key="day" class="pw-check"><input type="checkbox" :checked="when.days.includes(day)" @change="toggle(when.days, day)">{{ name }}</label>
                <label>{{ texts.from }}<input type="time" v-model="when.from"></label><label>{{ texts.to }}<input type="time" v-model="when.to"></label>
                <button type="button" class="pw-quiet" @click="zone.hours.splice(h, 1)">{{ texts.remove_hours }}</button>
              </div>
              <button type="button" class="pw-quiet" @click="zone.hours.push({ days: ['workday'], from: '07:00', to: '20:00' })">{{ texts.add_hours }}</button>
              <p class="pw-hint">{{ texts.hours_hint }}</p>
            </details>
            <button v-if="may" type="button" class="pw-quiet" @click="corner = -1; remove()">{{ texts.remove }}</button>
          </fieldset>
        </section>
        <section v-if="camera" class="pw-card">
          <h2>{{ texts.figures }}</h2>
          <dl class="pw-facts">
            <div><dt>{{ texts.size }}</dt><dd>{{ camera.figures.width }}×{{ camera.figures.height }}</dd></div>
            <div><dt>{{ texts.fps }}</dt><dd>{{ camera.figures.fps_in.toFixed(1) }}</dd></div>
            <div><dt>{{ texts.analysed }}</dt><dd>{{ camera.figures.analysed }} / {{ camera.figures.looked }}</dd></div>
            <div><dt>{{ texts.dropped }}</dt><dd>{{ camera.figures.dropped }} / {{ camera.figures.damaged }}</dd></div>
            <div><dt>{{ texts.lag }}</dt><dd>{{ camera.figures.lag_s === null ? '–' : camera.figures.lag_s.toFixed(1) }} s</dd></div>
            <div><dt>{{ texts.errors }}</dt><dd>{{ camera.figures.errors }} / {{ camera.figures.reconnects }}</dd></div>
            <div><dt>{{ texts.last_frame }}</dt><dd>{{ camera.figures.last_frame_at ? at(camera.figures.last_frame_at) : '–' }}</dd></div>
          </dl>
          <template v-if="may">
            <div class="pw-actions"><button type="button" class="pw-button pw-second" :disabled="busy" @click="test">{{ texts.test }}</button>
              <button type="button" class="pw-button pw-second" @click="change({ active: !camera.active })">{{ camera.active ? texts.switch_off : texts.switch_on }}</button>
              <button type="button" class="pw-quiet" @click="discard">{{ texts.discard }}</button></div>
            <div v-if="report" class="pw-camera-report" :class="{ bad: !report.works }" role="status"><p v-for="line in report.words" :key="line">{{ line }}</p></div>
          </template>
        </section>
      </aside>
    </div>`,
};
