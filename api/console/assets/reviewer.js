// One doubtful picture after another. Everything works with the keyboard; the next picture is loaded while this one is judged.
const OPEN = ["disputed", "waiting", "sending", "sent"];
const LEAST = 4; // pixels of the original: a smaller drawing is a slip of the hand

export default {
  props: { first: String, classes: Array, why: Object, texts: Object },
  data() {
    return {
      cases: [], next: null, at: 0, boxes: [], chosen: -1, shown: true, drawing: null, armed: false, choosing: false,
      past: [], trail: [], done: 0, busy: true, message: "", tone: "", size: null, judged: {},
    };
  },
  computed: {
    current() { return this.cases[this.at]; },
    names() { return Object.fromEntries(this.classes.map((one) => [one.code, one])); },
    left() { return this.cases.filter((one) => !this.judged[one.capture_id]).length + (this.next ? "+" : ""); },
  },
  watch: {
    current() { this.begin(); },
  },
  async mounted() {
    addEventListener("keydown", this.key);
    await this.load();
    if (this.first) await this.bring(this.first);
    this.busy = false;
  },
  unmounted() { removeEventListener("keydown", this.key); },
  methods: {
    say(key, facts = {}) { return this.texts[key].replace(/\{(\w+)\}/g, (_, name) => facts[name]); },
    async ask(path, options = {}) {
      const answer = await fetch(path, { headers: { Accept: "application/json", ...(options.body ? { "Content-Type": "application/json" } : {}) }, ...options });
      if (answer.status === 401) { location.assign("/sign-in?onward=/review"); throw new Error("401"); }
      const said = await answer.json();
      if (!answer.ok) throw new Error([said.title, said.detail].filter(Boolean).join(": "));
      return said;
    },
    async load() {
      try {
        const query = OPEN.map((one) => `state=${one}`).join("&");
        const page = await this.ask(`/api/v1/review/cases?limit=50&${query}${this.next ? `&cursor=${encodeURIComponent(this.next)}` : ""}`);
        const known = new Set(this.cases.map((one) => one.capture_id));
        this.cases.push(...page.items.filter((one) => !known.has(one.capture_id)));
        this.next = page.next;
      } catch (error) { this.tell(this.say("failed", { problem: error.message }), "bad"); }
    },
    async bring(id) {
      try {
        const one = await this.ask(`/api/v1/review/cases/${encodeURIComponent(id)}`, { method: "POST" });
        this.cases = [one, ...this.cases.filter((other) => other.capture_id !== one.capture_id)];
        this.at = 0;
      } catch (error) { this.tell(this.say("failed", { problem: error.message }), "bad"); }
    },
    begin() {
      const one = this.current;
      this.past = []; this.chosen = -1; this.choosing = false; this.armed = false; this.drawing = null; this.size = null;
      this.boxes = one ? (this.judged[one.capture_id] || one.boxes || one.predicted).map((box) => ({ ...box, box: [...box.box] })) : [];
      const following = this.cases[this.at + 1];
      if (following) new Image().src = this.picture(following);
      if (this.next && this.at > this.cases.length - 10) this.load();
      if (one && !one.capture) this.ask(`/api/v1/captures/${one.capture_id}`).then((capture) => { one.capture = capture; }).catch(() => {});
    },
    picture(one) { return `/api/v1/captures/${one.capture_id}/picture`; },
    loaded(event) { this.size = this.current.capture ? [this.current.capture.width, this.current.capture.height] : [event.target.naturalWidth, event.target.naturalHeight]; },
    place(box) {
      const capture = this.current.capture;
      if (!capture) return { display: "none" };
      const [x1, y1, x2, y2] = box.box, colour = (this.names[box.code] || {}).colour || "#444";
      return { left: `${100 * x1 / capture.width}%`, top: `${100 * y1 / capture.height}%`, width: `${100 * (x2 - x1) / capture.width}%`, height: `${100 * (y2 - y1) / capture.height}%`, "--colour": colour };
    },
    name(code) { return (this.names[code] || { name: code }).name; },
    remember() { this.past.push(JSON.stringify(this.boxes)); },
    // The last change to a box; where there is none, the last verdict: its picture comes back to be judged anew.
    undo() {
      if (this.past.length) { this.boxes = JSON.parse(this.past.pop()); this.chosen = -1; return; }
      const id = this.trail.pop(), at = this.cases.findIndex((one) => one.capture_id === id);
      if (at < 0) return;
      if (this.judged[id]) this.done -= 1;
      delete this.judged[id];
      this.at = at;
      this.tell(this.texts.again, "bad");
    },
    remove() {
      if (this.chosen < 0) return;
      this.remember();
      this.boxes.splice(this.chosen, 1);
      this.chosen = Math.min(this.chosen, this.boxes.length - 1);
    },
    change(code) {
      this.remember();
      this.boxes[this.chosen] = { code, box: this.boxes[this.chosen].box };
      this.choosing = false;
      this.$refs.stage.focus();
    },
    go(by) { if (this.cases.length) this.at = Math.max(0, Math.min(this.cases.length - 1, this.at + by)); },
    tell(text, tone = "good") { this.message = text; this.tone = tone; },
    // The next picture comes at once; verdicts are sent behind it, one after another. One that fails brings its picture back.
    judge(boxes) {
      const one = this.current;
      if (!one || this.busy) return;
      if (!this.judged[one.capture_id]) this.done += 1;
      const said = boxes.map((box) => ({ code: box.code, box: box.box }));
      this.judged[one.capture_id] = said;
      this.trail.push(one.capture_id);
      const onwards = this.cases.findIndex((other, n) => n > this.at && !this.judged[other.capture_id]);
      const before = this.cases.findIndex((other) => !this.judged[other.capture_id]);
      this.at = onwards >= 0 ? onwards : before >= 0 ? before : this.cases.length;
      this.sending = (this.sending || Promise.resolve()).then(() => this.save(one, said));
      if (this.$refs.stage) this.$refs.stage.focus();
    },
    async save(one, boxes) {
      const body = JSON.stringify({ boxes });
      try {
        const said = await this.ask(`/api/v1/review/cases/${one.capture_id}/verdict`, { method: "PUT", body });
        if (!this.judged[one.capture_id]) return; // taken back meanwhile
        this.tell(this.say(said.state === "disputed" ? "disputed" : "saved"), said.state === "disputed" ? "bad" : "good");
      } catch (error) {
        if (this.judged[one.capture_id]) this.done -= 1;
        delete this.judged[one.capture_id];
        this.at = this.cases.indexOf(one);
        this.tell(this.say("failed", { problem: error.message }), "bad");
      }
    },
    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.tagName === "SELECT") {  // its own keys choose a class; only leaving it is ours
        if (event.key === "Escape") { this.choosing = false; this.$refs.stage.focus(); }
        return;
      }
      const number = Number(event.key);
      const does = {
        a: () => this.judge(this.boxes), r: () => this.judge([]), x: this.remove, Delete: this.remove, Backspace: this.remove, z: this.undo,
        c: () => { if (this.chosen >= 0) this.choosing = true; }, d: () => { this.armed = !this.armed; }, b: () => { this.shown = !this.shown; },
        ArrowRight: () => this.go(1), ArrowLeft: () => this.go(-1), Escape: () => { this.armed = this.choosing = false; this.chosen = -1; },
      }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (number >= 1 && number <= this.boxes.length) this.chosen = number - 1;
      else if (does && (this.current || does === this.undo || event.key.startsWith("Arrow"))) does();
      else return;
      event.preventDefault();
    },
    spot(event) {
      const frame = this.$refs.picture.getBoundingClientRect(), capture = this.current.capture;
      const share = (value, from, length) => Math.min(1, Math.max(0, (value - from) / length));
      return [share(event.clientX, frame.left, frame.width) * capture.width, share(event.clientY, frame.top, frame.height) * capture.height];
    },
    press(event) {
      if (!this.armed || !this.current.capture) return;
      event.preventDefault();
      this.$refs.picture.setPointerCapture(event.pointerId);
      const [x, y] = this.spot(event);
      this.drawing = { code: this.classes[0].code, box: [x, y, x, y], from: [x, y] };
    },
    drag(event) {
      if (!this.drawing) return;
      const [x, y] = this.spot(event), [u, v] = this.drawing.from;
      this.drawing.box = [Math.min(x, u), Math.min(y, v), Math.max(x, u), Math.max(y, v)];
    },
    release() {
      const drawn = this.drawing;
      this.drawing = null;
      if (!drawn || drawn.box[2] - drawn.box[0] < LEAST || drawn.box[3] - drawn.box[1] < LEAST) return;
      this.remember();
      this.boxes.push({ code: drawn.code, box: drawn.box.map((edge) => Math.round(edge * 10) / 10) });
      this.chosen = this.boxes.length - 1;
      this.armed = false;
      this.choosing = true;
    },
  },
  template: `
    <div class="pw-review">
      <p v-if="busy && !current" class="pw-lead" role="status">{{ texts.loading }}</p>
      <p v-else-if="!current" class="pw-card pw-review-empty" role="status">{{ texts.empty }}</p>
      <div v-else class="pw-columns pw-columns-issue">
        <section class="pw-card" tabindex="-1" ref="stage" :aria-label="say('picture', { point: (current.capture || {}).point_code || '' })">
          <div class="pw-picture pw-review-picture" ref="picture" :class="{ armed }" @pointerdown="press" @pointermove="drag" @pointerup="release" @pointercancel="drawing = null"
            :style="current.capture ? { aspectRatio: current.capture.width / current.capture.height, '--ratio': current.capture.width / current.capture.height } : {}">
            <img :key="current.capture_id" :src="picture(current)" :alt="say('picture', { point: (current.capture || {}).point_code || '' })" draggable="false">
            <template v-if="shown && current.capture">
              <button v-for="(box, n) in boxes" :key="n" type="button" class="pw-review-box" :class="{ chosen: n === chosen, low: box.box[1] < current.capture.height * .06 }"
                :style="place(box)" :aria-pressed="n === chosen" :disabled="armed" @click="chosen = n"><i>{{ n + 1 }} {{ name(box.code) }}</i></button>
            </template>
            <span v-if="drawing" class="pw-review-box chosen" :style="place(drawing)"></span>
          </div>
          <p v-if="armed" class="pw-hint" role="status">{{ texts.drawing }}</p>
        </section>
        <aside class="pw-beside">
          <section class="pw-card">
            <p class="pw-lead">{{ (current.capture || {}).point_code }} · {{ why[current.why] }}</p>
            <ol class="pw-review-list">
              <li v-for="(box, n) in boxes" :key="n">
                <button type="button" class="pw-quiet" :aria-pressed="n === chosen" @click="chosen = n">
                  <i :style="{ background: (names[box.code] || {}).colour }"></i>{{ n + 1 }} {{ name(box.code) }}<small v-if="box.confidence"> {{ Math.round(box.confidence * 100) }} %</small>
                </button>
                <template v-if="n === chosen">
                  <select v-if="choosing" :aria-label="texts.change" :value="box.code" @change="change($event.target.value)" v-focus>
                    <option v-for="one in classes" :key="one.code" :value="one.code">{{ one.name }}</option>
                  </select>
                  <button v-else type="button" class="pw-quiet" @click="choosing = true">{{ texts.change }}</button>
                  <button type="button" class="pw-quiet" @click="remove">{{ texts.remove }}</button>
                </template>
              </li>
            </ol>
            <p v-if="!boxes.length" class="pw-hint">{{ texts.no_box }}</p>
            <div class="pw-review-bar">
              <button type="button" class="pw-quiet" :aria-pressed="armed" @click="armed = !armed">{{ texts.draw }}</button>
              <button type="button" class="pw-quiet" :disabled="!past.length && !trail.length" @click="undo">{{ texts.undo }}</button>
              <button type="button" class="pw-quiet" :aria-pressed="shown" @click="shown = !shown">{{ texts.boxes }}</button>
            </div>
            <div class="pw-review-bar">
              <button type="button" class="pw-button" :disabled="busy" @click="judge(boxes)">{{ texts.accept }}</button>
              <button type="button" class="pw-button pw-second" :disabled="busy" @click="judge([])">{{ texts.none }}</button>
            </div>
            <div class="pw-review-bar">
              <button type="button" class="pw-quiet" :disabled="at === 0" @click="go(-1)">{{ texts.back }}</button>
              <button type="button" class="pw-quiet" :disabled="at >= cases.length - 1" @click="go(1)">{{ texts.skip }}</button>
            </div>
            <p class="pw-hint" role="status">{{ say('left', { done, left }) }} <b v-if="message" :class="'pw-' + tone">{{ message }}</b></p>
          </section>
          <p class="pw-hint">{{ texts.keys }}</p>
        </aside>
      </div>
      <p v-if="!current && message" class="pw-hint" role="status">{{ message }}</p>
    </div>`,
  directives: { focus: { mounted(element) { element.focus(); } } },
};
