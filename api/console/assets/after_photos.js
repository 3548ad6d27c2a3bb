// The photos that show an issue put right, each with what the model says of it; new ones go to the API like any other.
export default {
  props: { photos: Array, texts: Object, address: String, language: String, can_send: Boolean },
  emits: ["sent"],
  data() {
    return { sending: false, refused: "" };
  },
  methods: {
    async send(event) {
      const form = new FormData();
      for (const file of event.target.files) form.append("photos", file);
      this.sending = true;
      this.refused = "";
      try {
        const answer = await fetch(this.address, { method: "POST", body: form, headers: { "Accept-Language": this.language } });
        if (answer.ok) this.$emit("sent");
        else {
          const problem = await answer.json().catch(() => ({}));
          this.refused = [problem.title, problem.detail].filter(Boolean).join(" · ") || this.texts.failed;
        }
      } catch {
        this.refused = this.texts.failed;
      }
      this.sending = false;
      event.target.value = "";
    },
  },
  template: `
    <div>
      <ul v-if="photos.length" class="pw-after">
        <li v-for="one in photos" :key="one.id" :class="{ spent: one.spent }">
          <a v-if="one.src" :href="one.src" target="_blank" rel="noopener"><img :src="one.small" :alt="one.alt" loading="lazy" width="132" height="99"></a>
          <span v-else class="pw-after-none"></span>
          <span class="pw-verdict" :data-verdict="one.verdict">{{ one.words }}</span>
          <small>{{ one.at }}</small>
        </li>
      </ul>
      <label v-if="can_send" class="pw-button pw-second pw-after-send" :aria-disabled="sending">
        <input type="file" accept="image/*" multiple :disabled="sending" @change="send">{{ sending ? texts.sending : texts.send }}
      </label>
      <p v-if="refused" class="pw-warning" role="alert">{{ refused }}</p>
    </div>`,
};
