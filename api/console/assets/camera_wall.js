// All cameras: what each sees now, how it fares, what it does. Talks to the API itself.
const EVERY_MS = 5000;

export default {
  props: { points: Array, may: Boolean, language: String, zone: String, texts: Object, states: Object, troubles: Object },
  data() {
    return { cameras: [], loaded: false, stills: {}, message: "", adding: false, busy: false, report: null, wanted: this.blank() };
  },
  async mounted() { await this.refresh(); this.timer = setInterval(this.refresh, EVERY_MS); },
  unmounted() { clearInterval(this.timer); Object.values(this.stills).forEach((one) => URL.revokeObjectURL(one)); },
  methods: {
    blank() { return { code: "", name: "", point: "", address: "", user: "", password: "", kind: "stream", transport: "tcp" }; },
    say(key, facts = {}) { return this.texts[key].replace(/\{(\w+)\}/g, (_, name) => facts[name]); },
    async ask(path, options = {}) {
      const answer = await fetch(path, { headers: { Accept: "application/json", ...(options.body ? { "Content-Type": "application/json" } : {}) }, ...options });
      if (answer.status === 401) { location.assign("/sign-in?onward=/cameras"); throw new Error("401"); }
      const said = answer.status === 204 ? null : await answer.json();
      if (!answer.ok) throw new Error([said.title, said.detail].filter(Boolean).join(": "));
      return said;
    },
    async refresh() {
      if (document.hidden && this.loaded) return;
      try {
        const found = [];
        let next = null;
        do {
          const page = await this.ask(`/api/v1/cameras?limit=200${next ? `&cursor=${encodeURIComponent(next)}` : ""}`);
          found.push(...page.items);
          next = page.next;
        } while (next);
        this.cameras = found.sort((a, b) => a.code.localeCompare(b.code, undefined, { numeric: true }));
        this.message = "";
      } catch (error) { this.message = this.say("failed", { problem: error.message }); }
      this.loaded = true;
      await Promise.all(this.cameras.filter((one) => one.still_at).map(this.look));
    },
    async look(camera) {
      try {
        const answer = await fetch(`/api/v1/cameras/${encodeURIComponent(camera.code)}/still`);
        if (!answer.ok) return;
        const old = this.stills[camera.id];
        this.stills[camera.id] = URL.createObjectURL(await answer.blob());
        if (old) URL.revokeObjectURL(old);
      } catch { /* the next round tries again */ }
    },
    since(camera) { return new Date(camera.since).toLocaleString(this.language, { dateStyle: "short", timeStyle: "short", hour12: false, timeZone: this.zone }); },
    does(camera) {
      const f = camera.figures;
      return this.say("does", { fps: f.fps_in.toFixed(1), lag: f.lag_s === null ? "–" : f.lag_s.toFixed(1), zones: camera.zones });
    },
    why(camera) {
      if (camera.active && !camera.watched) return this.texts.unwatched;
      if (camera.state === "moved" || camera.state === "covered") return this.texts[camera.state];
      return camera.figures.trouble && camera.state !== "online" ? this.troubles[camera.figures.trouble] || camera.why : "";
    },
    async add() {
      this.busy = true;
      this.message = "";
      this.report = null;
      const body = { ...this.wanted, user: this.wanted.user || null, password: this.wanted.password || null };
      try {
        const made = await this.ask("/api/v1/cameras", { method: "POST", body: JSON.stringify(body) });
        this.wanted = { ...this.blank(), point: this.wanted.point };
        this.message = this.texts.testing;
        await this.refresh();
        this.message = this.texts.testing;
        this.report = { code: made.code, ...(await this.ask(`/api/v1/cameras/${encodeURIComponent(made.code)}/test`, { method: "POST" })) };
        this.message = "";
      } catch (error) { this.message = this.say("failed", { problem: error.message }); }
      this.busy = false;
      await this.refresh();
    },
  },
  template: `
    <div class="pw-cameras">
      <details v-if="may" class="pw-card pw-camera-add" :open="adding" @toggle="adding = $event.target.open">
        <summary>{{ texts.add }}</summary>
        <form class="pw-camera-form" @submit.prevent="add" autocomplete="off">
          <label>{{ texts.code }}<input v-model.trim="wanted.code" name="code" required maxlength="32" pattern="[A-Za-z0-9][A-Za-z0-9._\\-]*" placeholder="CAM-01"></label>
          <label>{{ texts.name }}<input v-model.trim="wanted.name" name="name" required maxlength="120"></label>
          <label>{{ texts.point }}<select v-model="wanted.point" name="point" required><option v-for="one in points" :key="one.code" :value="one.code">{{ one.code }} {{ one.name }}</option></select></label>
          <label class="wide">{{ texts.address }}<input v-model.trim="wanted.address" name="address" required maxlength="2048" placeholder="rtsp://192.168.1.64:554/Streaming/Channels/102" spellcheck="false" autocapitalize="off"></label>
          <label>{{ texts.user }}<input v-model="wanted.user" name="user" maxlength="200" autocomplete="off" autocapitalize="off"></label>
          <label>{{ texts.password }}<input v-model="wanted.password" name="password" type="password" maxlength="200" autocomplete="new-password"></label>
          <label>{{ texts.kind }}<select v-model="wanted.kind" name="kind"><option value="stream">{{ texts.stream }}</option><option value="snapshots">{{ texts.snapshots }}</option></select></label>
          <label v-if="wanted.kind === 'stream'">{{ texts.transport }}<select v-model="wanted.transport" name="transport"><option value="tcp">TCP</option><option value="udp">UDP</option></select></label>
          <button class="pw-button" type="submit" :disabled="busy">{{ texts.add }}</button>
        </form>
      </details>
      <p v-if="message" class="pw-hint pw-camera-message" role="status">{{ message }}</p>
      <section v-if="report" class="pw-card pw-camera-report" :class="{ bad: !report.works }" role="status">
        <b>{{ report.code }}</b> <span v-for="line in report.words" :key="line">{{ line }} </span>
        <a v-if="report.works" class="pw-quiet" :href="'/cameras/' + encodeURIComponent(report.code)">{{ texts.draw }}</a>
      </section>
      <p v-if="loaded && !cameras.length" class="pw-card pw-empty">{{ texts.empty }}</p>
      <ul class="pw-camera-grid">
        <li v-for="camera in cameras" :key="camera.id" class="pw-card pw-camera">
          <a :href="'/cameras/' + encodeURIComponent(camera.code)">
            <span class="pw-camera-still"><img v-if="stills[camera.id]" :src="stills[camera.id]" :alt="say('sees', { name: camera.name })"><i v-else>{{ texts.no_still }}</i></span>
            <strong>{{ camera.name }}</strong>
          </a>
          <p class="pw-head-line"><span class="pw-camera-state" :data-state="camera.state">{{ states[camera.state] }}</span><span class="pw-number">{{ camera.code }}</span><span>{{ camera.point }}</span></p>
          <p class="pw-hint">{{ say('since', { at: since(camera) }) }} · {{ does(camera) }}<template v-if="camera.lasting"> · <b>{{ say('lasting', { count: camera.lasting }) }}</b></template></p>
          <p v-if="why(camera)" class="pw-camera-why">{{ why(camera) }}</p>
          <p v-else-if="!camera.zones" class="pw-camera-why">{{ texts.no_zones }}</p>
        </li>
      </ul>
    </div>`,
};
