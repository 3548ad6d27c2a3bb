// Sends photos through the same door as every other sender, POST /api/v1/captures, one request each, and follows each
// until the model has looked at it. A photo that could not be sent stays in the list and can be tried again. Hundreds at
// once: previews are made small one after another, and one question asks how far many of them are.
const AT_ONCE = 2;
const LOOK_EVERY_MS = 1000;
const ASKED_AT_ONCE = 100;
const PREVIEW_PX = 176;
const RANK = { refused: 0, failed: 0, sending: 1, chosen: 2, queued_here: 2, looking: 3, done: 4 };

export default {
  props: { point: String, texts: Object, language: String, most_bytes: Number, can_send: Boolean },
  data() {
    return { photos: [], over: false, running: 0, looking: false };
  },
  computed: {
    waiting() {
      return this.photos.filter((one) => one.state === "chosen").length;
    },
    wrong() {
      return this.photos.filter((one) => ["refused", "failed"].includes(one.state)).length;
    },
    retryable() {
      return this.photos.filter((one) => one.again).length;
    },
    ordered() {
      return this.photos.slice().sort((one, other) => RANK[one.state] - RANK[other.state]); // what went wrong first
    },
    settled() {
      return this.photos.filter((one) => ["done", "refused", "failed"].includes(one.state)).length;
    },
  },
  mounted() {
    this.leaving = (event) => { if (this.photos.some((one) => ["sending", "queued_here", "chosen"].includes(one.state))) event.preventDefault(); };
    addEventListener("beforeunload", this.leaving);
  },
  beforeUnmount() {
    removeEventListener("beforeunload", this.leaving);
    this.photos.forEach((one) => URL.revokeObjectURL(one.preview));
  },
  methods: {
    fill(text, facts) {
      return text.replace(/\{(\w+)\}/g, (_, name) => facts[name]);
    },
    add(files) {
      for (const file of files) {
        const known = this.photos.some((one) => one.file.name === file.name && one.file.size === file.size && one.file.lastModified === file.lastModified && one.state === "chosen");
        if (known) continue;
        const photo = { id: Math.random().toString(36).slice(2), file: Vue.markRaw(file), preview: "", state: "chosen", sent: 0, issues: [], title: "", detail: "", again: "" };
        if (file.size > this.most_bytes) this.refuse(photo, this.fill(this.texts.too_large, { most: Math.floor(this.most_bytes / 1048576) }), "", "");
        this.photos.push(photo);
      }
      if (this.$refs.file) this.$refs.file.value = "";
      this.draw_previews();
    },
    async draw_previews() {
      if (this.drawing) return;
      this.drawing = true;
      for (let next; (next = this.photos.find((one) => !one.preview && !one.drawn)); ) {
        next.drawn = true;
        try {
          const small = await createImageBitmap(next.file, { resizeWidth: PREVIEW_PX, resizeQuality: "low" });
          const canvas = new OffscreenCanvas(small.width, small.height);
          canvas.getContext("2d").drawImage(small, 0, 0);
          small.close();
          next.preview = URL.createObjectURL(await canvas.convertToBlob({ type: "image/jpeg", quality: 0.7 }));
        } catch { /* not a picture that this browser can draw */ }
      }
      this.drawing = false;
    },
    drop(event) {
      this.over = false;
      this.add(event.dataTransfer.files);
    },
    remove(photo) {
      URL.revokeObjectURL(photo.preview);
      this.photos = this.photos.filter((one) => one.id !== photo.id);
    },
    clear() {
      this.photos.filter((one) => one.state === "done").forEach((one) => this.remove(one));
    },
    send() {
      const point = this.point || "";
      this.photos.filter((one) => one.state === "chosen").forEach((one) => { one.state = "queued_here"; one.point = point; });
      this.pump();
    },
    pump() {
      while (this.running < AT_ONCE) {
        const next = this.photos.find((one) => one.state === "queued_here");
        if (!next) return;
        this.running += 1;
        this.sendOne(next).finally(() => { this.running -= 1; this.pump(); });
      }
    },
    sendOne(photo) {
      photo.state = "sending";
      photo.sent = 0;
      return new Promise((settle) => {
        const form = new FormData();
        form.append("photos", photo.file, photo.file.name);
        if (photo.point) form.append("point_id", photo.point);
        const request = new XMLHttpRequest();
        request.open("POST", "/api/v1/captures");
        request.setRequestHeader("Accept", "application/json");
        request.setRequestHeader("Accept-Language", this.language);
        request.upload.onprogress = (event) => { if (event.lengthComputable) photo.sent = event.loaded / event.total; };
        request.onerror = () => { this.refuse(photo, this.texts.no_connection, "", "send"); settle(); };
        request.onload = () => { this.answered(photo, request.status, this.parse(request.responseText)); settle(); };
        request.send(form);
      });
    },
    parse(text) {
      try { return JSON.parse(text); } catch { return {}; }
    },
    answered(photo, status, answer) {
      if (status === 401) return this.refuse(photo, this.texts.signed_out, "", "send");
      if (status >= 400 || !answer.captures?.length) return this.refuse(photo, answer.title || this.texts.refused, answer.detail || "", status >= 500 ? "send" : "");
      photo.capture = answer.captures[0];
      photo.state = "looking";
      this.follow(photo);
    },
    refuse(photo, title, detail, again) {
      Object.assign(photo, { state: "refused", title, detail, again });
    },
    async ask(path, options = {}) {
      const answer = await fetch(path, { ...options, headers: { Accept: "application/json", "Accept-Language": this.language } });
      if (!answer.ok) throw new Error(answer.status);
      return answer.json();
    },
    follow(photo) {
      photo.missed = 0;
      if (!this.looking) this.look();
    },
    async look() {
      this.looking = true;
      for (let waiting; (waiting = this.photos.filter((one) => one.state === "looking")).length; ) {
        await new Promise((wake) => setTimeout(wake, LOOK_EVERY_MS));
        const asked = waiting.slice(0, ASKED_AT_ONCE);
        try {
          const query = new URLSearchParams([["limit", ASKED_AT_ONCE], ...asked.map((one) => ["id", one.capture.id])]);
          const found = Object.fromEntries((await this.ask(`/api/v1/captures?${query}`)).items.map((one) => [one.id, one]));
          for (const photo of asked) await this.looked_at(photo, found[photo.capture.id]);
        } catch (error) {
          for (const photo of asked) this.missed(photo, error);
        }
      }
      this.looking = false;
    },
    async looked_at(photo, capture) {
      if (!capture) return;
      photo.capture = capture;
      photo.missed = 0;
      if (capture.status === "failed") Object.assign(photo, { state: "failed", title: this.texts.failed, detail: capture.error || "", again: "look" });
      if (capture.status === "done") {
        photo.issues = (await this.ask(`/api/v1/issues?capture=${capture.id}`)).items;
        photo.state = "done";
      }
    },
    missed(photo, error) {
      photo.missed += 1;
      if (error.message === "401") this.refuse(photo, this.texts.signed_out, "", "follow");
      else if (photo.missed > 20) Object.assign(photo, { state: "failed", title: this.texts.no_connection, detail: "", again: "follow" });
    },
    async retry(photo) {
      const again = photo.again;
      Object.assign(photo, { again: "", title: "", detail: "" });
      if (again === "send") { photo.state = "queued_here"; photo.point = this.point || ""; return this.pump(); }
      if (again === "look") await this.ask(`/api/v1/captures/${photo.capture.id}/retry`, { method: "POST" }).catch(() => {});
      photo.state = "looking";
      this.follow(photo);
    },
    retry_all() {
      this.photos.filter((one) => one.again).forEach((one) => this.retry(one));
    },
    name(issue) {
      return this.language === "en" ? issue.violation.en : issue.violation.zh;
    },
    size(photo) {
      return photo.file.size >= 1048576 ? (photo.file.size / 1048576).toFixed(1) + " MiB" : Math.ceil(photo.file.size / 1024) + " KiB";
    },
    words(photo) {
      if (photo.state === "sending") return this.fill(this.texts.sending, { percent: Math.round(photo.sent * 100) });
      if (photo.state === "done") return photo.issues.length ? this.fill(this.texts.found, { count: photo.issues.length }) : this.texts.nothing;
      return { chosen: this.texts.chosen, queued_here: this.texts.waiting, looking: this.texts.looking }[photo.state] || photo.title;
    },
  },
  template: `
    <div class="pw-uploader">
      <label class="pw-drop" :class="{ over }" @dragover.prevent="over = true" @dragleave="over = false" @drop.prevent="drop">
        <input ref="file" class="pw-file" type="file" multiple :aria-label="texts.drop" accept="image/*,.heic,.heif" @change="add($event.target.files)">
        <strong>{{ texts.drop }}</strong><span>{{ texts.formats }}</span>
      </label>
      <div v-if="photos.length" class="pw-send-bar">
        <button v-show="waiting" type="button" class="pw-button pw-send" @click="send">{{ fill(texts.send, { count: waiting }) }}</button>
        <progress class="pw-all-sent" :value="settled" :max="photos.length" :aria-label="fill(texts.progress, { settled, all: photos.length })"></progress>
        <span role="status">{{ fill(texts.progress, { settled, all: photos.length }) }}<template v-if="wrong"> · <b class="pw-bad">{{ fill(texts.failures, { count: wrong }) }}</b></template></span>
        <button v-if="retryable > 1" type="button" class="pw-quiet pw-again-all" @click="retry_all">{{ fill(texts.again_all, { count: retryable }) }}</button>
        <button v-if="photos.some((one) => one.state === 'done')" type="button" class="pw-quiet" @click="clear">{{ texts.clear }}</button>
      </div>
      <ul class="pw-photos">
        <li v-for="photo in ordered" :key="photo.id" :data-state="photo.state">
          <img :src="photo.capture && photo.state === 'done' ? '/api/v1/captures/' + photo.capture.id + '/picture?boxes=true&small=true' : photo.preview || null" alt="" width="88" height="66" @error="$event.target.classList.add('blank')">
          <div>
            <span class="pw-photo-name">{{ photo.file.name }}</span>
            <span class="pw-photo-quiet">{{ size(photo) }}<template v-if="photo.capture"> · {{ photo.capture.point_code }}</template></span>
            <span class="pw-photo-state">{{ words(photo) }}</span>
            <span v-if="photo.detail" class="pw-photo-quiet" lang="en">{{ photo.detail }}</span>
            <progress v-if="photo.state === 'sending'" :value="photo.sent" max="1"></progress>
            <span v-if="photo.issues.length" class="pw-found"><a v-for="issue in photo.issues" :key="issue.id" :href="'/issues/' + issue.number">{{ name(issue) }} · {{ issue.number }}</a></span>
          </div>
          <button v-if="photo.again" type="button" class="pw-quiet" @click="retry(photo)">{{ texts.again }}</button>
          <button v-if="['chosen', 'refused'].includes(photo.state)" type="button" class="pw-quiet" @click="remove(photo)" :aria-label="texts.remove + ' ' + photo.file.name">×</button>
        </li>
      </ul>
    </div>`,
};
