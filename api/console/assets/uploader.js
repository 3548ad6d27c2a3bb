// Sends photos through the same door as every other sender, POST /api/v1/captures, one request each, and follows each
// until the model has looked at it. A photo that could not be sent stays in the list and can be tried again.
const AT_ONCE = 2;
const LOOK_EVERY_MS = 700;

export default {
  props: { point: String, texts: Object, language: String, most_bytes: Number, can_send: Boolean },
  data() {
    return { photos: [], over: false, running: 0 };
  },
  computed: {
    waiting() {
      return this.photos.filter((one) => one.state === "chosen").length;
    },
    settled() {
      return this.photos.filter((one) => ["done", "refused", "failed"].includes(one.state)).length;
    },
  },
  beforeUnmount() {
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
        const photo = { id: Math.random().toString(36).slice(2), file: Vue.markRaw(file), preview: URL.createObjectURL(file), state: "chosen", sent: 0, issues: [], title: "", detail: "", again: "" };
        if (file.size > this.most_bytes) this.refuse(photo, this.fill(this.texts.too_large, { most: Math.floor(this.most_bytes / 1048576) }), "", "");
        this.photos.push(photo);
      }
      if (this.$refs.file) this.$refs.file.value = "";
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
    async follow(photo) {
      let missed = 0;
      for (;;) {
        try {
          photo.capture = await this.ask(`/api/v1/captures/${photo.capture.id}`);
          missed = 0;
          if (photo.capture.status === "failed") return Object.assign(photo, { state: "failed", title: this.texts.failed, detail: photo.capture.error || "", again: "look" });
          if (photo.capture.status === "done") {
            const found = await this.ask(`/api/v1/issues?capture=${photo.capture.id}`);
            photo.issues = found.items;
            photo.state = "done";
            return;
          }
        } catch (error) {
          missed += 1;
          if (error.message === "401") return this.refuse(photo, this.texts.signed_out, "", "");
          if (missed > 20) return Object.assign(photo, { state: "failed", title: this.texts.no_connection, detail: "", again: "follow" });
        }
        await new Promise((wake) => setTimeout(wake, LOOK_EVERY_MS * (missed + 1)));
      }
    },
    async retry(photo) {
      if (photo.again === "send") { photo.state = "queued_here"; photo.point = this.point || ""; return this.pump(); }
      if (photo.again === "look") await this.ask(`/api/v1/captures/${photo.capture.id}/retry`, { method: "POST" }).catch(() => {});
      photo.state = "looking";
      this.follow(photo);
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
        <input ref="file" class="pw-file" type="file" multiple accept="image/*,.heic,.heif" @change="add($event.target.files)">
        <strong>{{ texts.drop }}</strong><span>{{ texts.formats }}</span>
      </label>
      <div v-if="photos.length" class="pw-send-bar">
        <button v-show="waiting" type="button" class="pw-button pw-send" @click="send">{{ fill(texts.send, { count: waiting }) }}</button>
        <span aria-live="polite">{{ fill(texts.progress, { settled, all: photos.length }) }}</span>
        <button v-if="photos.some((one) => one.state === 'done')" type="button" class="pw-quiet" @click="clear">{{ texts.clear }}</button>
      </div>
      <ul class="pw-photos">
        <li v-for="photo in photos" :key="photo.id" :data-state="photo.state">
          <img :src="photo.capture && photo.state === 'done' ? '/api/v1/captures/' + photo.capture.id + '/picture?boxes=true&small=true' : photo.preview" alt="" width="88" height="66" @error="$event.target.classList.add('blank')">
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
