// Takes a register as a CSV or XLSX, through the same door as every program: all of the file, or nothing with a reason
// for each wrong row.
export default {
  props: { address: String, texts: Object, language: String },
  emits: ["taken"],
  data() {
    return { busy: false, outcome: "", refusal: "", detail: "", errors: [] };
  },
  methods: {
    fill(text, facts) {
      return text.replace(/\{(\w+)\}/g, (_, name) => facts[name]);
    },
    async send(file) {
      if (!file) return;
      Object.assign(this, { busy: true, outcome: "", refusal: "", detail: "", errors: [] });
      const form = new FormData();
      form.append("file", file, file.name);
      try {
        const answer = await fetch(this.address, { method: "POST", body: form, headers: { Accept: "application/json", "Accept-Language": this.language } });
        const said = await answer.json().catch(() => ({}));
        if (answer.ok) {
          const how = said.created === undefined ? this.texts.taken : this.texts.done;
          this.outcome = this.fill(how, { name: file.name, created: said.created, updated: said.updated, unchanged: said.unchanged });
          this.$emit("taken");
        } else {
          this.refusal = this.fill(this.texts.refused, { name: file.name, title: said.title || answer.status });
          this.errors = said.errors || [];
          this.detail = this.errors.length ? "" : said.detail || "";
        }
      } catch {
        this.refusal = this.texts.no_connection;
      } finally {
        this.busy = false;
        this.$refs.file.value = "";
      }
    },
  },
  template: `
    <div class="pw-import">
      <label class="pw-button pw-second pw-file-button">
        <span>{{ busy ? texts.sending : texts.choose }}</span>
        <input ref="file" type="file" accept=".csv,.xlsx" :disabled="busy" @change="send($event.target.files[0])">
      </label>
      <p class="pw-hint">{{ texts.hint }}</p>
      <p v-if="outcome" class="pw-good" role="status">{{ outcome }}</p>
      <div v-if="refusal" class="pw-refusal" role="alert">
        <strong>{{ refusal }}</strong>
        <p v-if="detail" lang="en">{{ detail }}</p>
        <table v-if="errors.length" class="pw-table">
          <thead><tr><th scope="col">{{ texts.row }}</th><th scope="col">{{ texts.column }}</th><th scope="col">{{ texts.reason }}</th></tr></thead>
          <tbody><tr v-for="(one, index) in errors" :key="index"><td>{{ one.row }}</td><td>{{ one.column || one.where }}</td><td lang="en">{{ one.reason }}</td></tr></tbody>
        </table>
      </div>
    </div>`,
};
