// A problem that a person saw: the photos go to the API like any other, then the report that names them. What was typed
// survives a reload; what was sent already is not sent again when the rest is tried once more.
const KEPT = "pointwatch-report";
const MOST_PHOTOS = 20;

export default {
  props: { texts: Object, places: Array, kinds: Array, language: String, most_bytes: Number, point: String },
  data() {
    return { place: "", code: "", note: "", photos: [], over: false, sending: false, step: 0, failed: "", wrong: {}, done: null, key: "" };
  },
  computed: {
    chosen() { const typed = this.place.trim(); return this.places.find((one) => one.name === typed || one.code.toLowerCase() === typed.toLowerCase()); },
    steps() { return this.photos.length + 1; },
  },
  watch: {
    $data: { deep: true, handler() { if (!this.done) sessionStorage.setItem(KEPT, JSON.stringify({ place: this.place, code: this.code, note: this.note })); } },
  },
  mounted() {
    try { Object.assign(this, JSON.parse(sessionStorage.getItem(KEPT)) || {}); } catch { /* it was kept by an older page */ }
    const here = this.places.find((one) => one.code === this.point);
    if (here) this.place = here.name;
    this.leaving = (event) => { if (this.sending || (this.photos.length && !this.done)) event.preventDefault(); };
    addEventListener("beforeunload", this.leaving);
  },
  beforeUnmount() { removeEventListener("beforeunload", this.leaving); this.photos.forEach((one) => URL.revokeObjectURL(one.preview)); },
  methods: {
    fill(text, facts) { return text.replace(/\{(\w+)\}/g, (_, name) => facts[name]); },
    add(files) {
      this.failed = "";
      for (const file of files) {
        if (this.photos.length >= MOST_PHOTOS) { this.failed = this.fill(this.texts.too_many, { most: MOST_PHOTOS }); break; }
        if (file.size > this.most_bytes) { this.failed = this.fill(this.texts.too_large, { name: file.name, most: Math.floor(this.most_bytes / 1048576) }); continue; }
        this.photos.push({ id: Math.random().toString(36).slice(2), file: Vue.markRaw(file), preview: URL.createObjectURL(file), capture: null, problem: "" });
      }
      this.$refs.file.value = "";
    },
    remove(photo) { URL.revokeObjectURL(photo.preview); this.photos = this.photos.filter((one) => one.id !== photo.id); },
    async ask(path, options) {
      let answer;
      try {
        answer = await fetch(path, { ...options, headers: { Accept: "application/json", "Accept-Language": this.language, ...(options.headers || {}) } });
      } catch { throw new Error(this.texts.no_connection); }
      const content = await answer.json().catch(() => ({}));
      if (answer.status === 401) throw new Error(this.texts.signed_out);
      if (!answer.ok) throw new Error([content.title, content.detail].filter(Boolean).join(" · ") || String(answer.status));
      return content;
    },
    check() {
      this.wrong = {};
      if (!this.chosen) this.wrong.place = this.texts.no_point;
      if (!this.code) this.wrong.code = this.texts.no_class;
      if (!this.note.trim() && !this.photos.length) this.wrong.note = this.texts.no_note;
      const first = Object.keys(this.wrong)[0];
      if (first) this.$refs[first].focus();
      return !first;
    },
    async send() {
      if (this.sending || !this.check()) return;
      this.sending = true;
      this.failed = "";
      this.step = 0;
      const point = this.chosen.code;
      try {
        for (const photo of this.photos) {
          if (!photo.capture || photo.sent_for !== point) {
            const form = new FormData();
            form.append("photos", photo.file, photo.file.name);
            form.append("point_id", point);
            photo.problem = "";
            try {
              photo.capture = (await this.ask("/api/v1/captures", { method: "POST", body: form })).captures[0].id;
              photo.sent_for = point;
            } catch (error) { photo.problem = error.message; throw error; }
          }
          this.step += 1;
        }
        const body = JSON.stringify({ point, class_code: this.code, note: this.note.trim(), capture_ids: this.photos.map((one) => one.capture) });
        if (this.asked !== body) { this.asked = body; this.key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join(""); }
        this.done = await this.ask("/api/v1/issues", { method: "POST", body, headers: { "Content-Type": "application/json", "Idempotency-Key": this.key } });
        sessionStorage.removeItem(KEPT);
        this.$nextTick(() => this.$refs.done.focus());
      } catch (error) {
        this.failed = error.message;
      }
      this.sending = false;
    },
    again() {
      this.photos.forEach((one) => URL.revokeObjectURL(one.preview));
      Object.assign(this, { photos: [], code: "", note: "", done: null, failed: "", asked: "" });
      this.$nextTick(() => this.$refs.code.focus());
    },
  },
  template: `
    <div v-if="done" ref="done" class="pw-card pw-reported" tabindex="-1" role="status">
      <h2>{{ texts.done }}</h2>
      <p><a class="pw-number" :href="'/issues/' + done.number">{{ done.number }}</a> · {{ language === 'en' ? done.violation.en : done.violation.zh }} · {{ done.point.code }} {{ done.point.name }}</p>
      <p v-if="done.sighting_count > 1" class="pw-hint">{{ texts.known }}</p>
      <div class="pw-actions"><a class="pw-button" :href="'/issues/' + done.number">{{ texts.look }}</a><button type="button" class="pw-button pw-second" @click="again">{{ texts.another }}</button></div>
    </div>
    <form v-else class="pw-report" novalidate @submit.prevent="send">
      <label class="pw-pick"><span>{{ texts.point }}</span>
        <input ref="place" v-model="place" list="pw-places" autocomplete="off" maxlength="200" :placeholder="texts.point_hint" :aria-invalid="!!wrong.place" aria-describedby="pw-wrong-place">
        <small v-if="wrong.place" id="pw-wrong-place" class="pw-bad">{{ wrong.place }}</small></label>
      <datalist id="pw-places"><option v-for="one in places" :key="one.code" :value="one.name"></option></datalist>
      <label class="pw-pick"><span>{{ texts.violation }}</span>
        <select ref="code" v-model="code" :aria-invalid="!!wrong.code" aria-describedby="pw-wrong-code"><option value="" disabled>{{ texts.choose }}</option>
          <optgroup v-for="kind in kinds" :key="kind.name" :label="kind.name"><option v-for="one in kind.classes" :key="one.code" :value="one.code">{{ one.name }}</option></optgroup></select>
        <small v-if="wrong.code" id="pw-wrong-code" class="pw-bad">{{ wrong.code }}</small></label>
      <label class="pw-pick"><span>{{ texts.note }}</span>
        <textarea ref="note" v-model="note" rows="4" maxlength="2000" :placeholder="texts.note_hint" :aria-invalid="!!wrong.note" aria-describedby="pw-wrong-note"></textarea>
        <small v-if="wrong.note" id="pw-wrong-note" class="pw-bad">{{ wrong.note }}</small></label>
      <label class="pw-drop" :class="{ over }" @dragover.prevent="over = true" @dragleave="over = false" @drop.prevent="over = false; add($event.dataTransfer.files)">
        <input ref="file" class="pw-file" type="file" multiple accept="image/*,.heic,.heif" @change="add($event.target.files)">
        <strong>{{ texts.drop }}</strong><span>{{ texts.photos_hint }}</span></label>
      <ul v-if="photos.length" class="pw-report-photos">
        <li v-for="photo in photos" :key="photo.id" :data-sent="!!photo.capture"><img :src="photo.preview" :alt="photo.file.name" width="132" height="99" @error="$event.target.classList.add('blank')">
          <small v-if="photo.problem" class="pw-bad">{{ photo.problem }}</small>
          <button type="button" class="pw-quiet" :disabled="sending" :aria-label="texts.remove + ' ' + photo.file.name" @click="remove(photo)">×</button></li>
      </ul>
      <p v-if="failed" class="pw-warning" role="alert">{{ failed }}</p>
      <div class="pw-actions"><button type="submit" class="pw-button" :disabled="sending">{{ sending ? texts.sending : failed ? texts.again : texts.send }}</button>
        <progress v-if="sending" :value="step" :max="steps" :aria-label="texts.sending"></progress></div>
    </form>`,
};
