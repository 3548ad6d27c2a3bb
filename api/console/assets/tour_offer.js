// Offers the tour to whoever has neither taken nor refused it in this browser.
export default {
  props: { who: String, texts: Object },
  data() { return { offered: false }; },
  async mounted() {
    addEventListener("pointwatch-tour-ended", this.look);
    await this.look();
  },
  unmounted() { removeEventListener("pointwatch-tour-ended", this.look); },
  methods: {
    tour() { return import("/console/tour.js"); },
    async look() { this.offered = (await this.tour()).offered(this.who); },
    async take() { this.offered = false; await (await this.tour()).start(); },
    async refuse() {
      (await this.tour()).refuse(this.who);
      this.offered = false;
      document.getElementById("main").focus();
    },
  },
  template: `
    <aside v-if="offered" class="pw-offer" :aria-label="texts.title">
      <p><strong>{{ texts.title }}</strong> <span>{{ texts.lead }}</span></p>
      <div class="pw-actions">
        <button type="button" class="pw-button pw-offer-take" @click="take">{{ texts.take }}</button>
        <button type="button" class="pw-quiet pw-offer-refuse" @click="refuse">{{ texts.refuse }}</button>
      </div>
    </aside>`,
};
