// The pictures of an issue. Boxes lie over the picture in per cent of it, so that switching them costs nothing.
export default {
  props: { pictures: Array, texts: Object },
  data() {
    return { at: 0, boxes: true };
  },
  computed: {
    picture() {
      return this.pictures[Math.min(this.at, this.pictures.length - 1)];
    },
  },
  methods: {
    go(by) {
      this.at = Math.max(0, Math.min(this.pictures.length - 1, this.at + by));
    },
    key(event) {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step) { this.go(step); event.preventDefault(); }
      if (event.key === "b") this.boxes = !this.boxes;
    },
  },
  template: `
    <section v-if="picture" class="pw-evidence" :aria-label="texts.label" tabindex="0" @keydown="key">
      <div class="pw-picture" :style="{ aspectRatio: picture.width / picture.height, '--ratio': picture.width / picture.height }">
        <img :key="picture.id" :src="picture.src" :alt="picture.alt" :width="picture.width" :height="picture.height">
        <template v-if="boxes">
          <span v-for="(box, n) in picture.boxes" :key="picture.id + n" class="pw-box" :data-certainty="picture.certainty" :class="{ low: box.y < 8 }"
            :style="{ left: box.x + '%', top: box.y + '%', width: box.width + '%', height: box.height + '%' }"><i :class="{ end: box.x > 60 }">{{ box.label }}</i></span>
        </template>
      </div>
      <div class="pw-picture-bar">
        <button type="button" class="pw-quiet" :disabled="at <= 0" @click="go(-1)" :aria-label="texts.previous">‹</button>
        <span aria-live="polite">{{ Math.min(at, pictures.length - 1) + 1 }} / {{ pictures.length }}</span>
        <button type="button" class="pw-quiet" :disabled="at >= pictures.length - 1" @click="go(1)" :aria-label="texts.next">›</button>
        <span class="pw-stretch"></span>
        <button type="button" class="pw-quiet pw-boxes" :aria-pressed="boxes" @click="boxes = !boxes">{{ texts.boxes }}</button>
        <a class="pw-quiet" :href="boxes ? picture.with_boxes : picture.src" target="_blank" rel="noopener">{{ texts.whole }}</a>
      </div>
      <dl class="pw-facts">
        <div v-for="fact in picture.facts"><dt>{{ fact[0] }}</dt><dd :class="{ code: fact[2] }">{{ fact[1] }}</dd></div>
      </dl>
      <ul v-if="pictures.length > 1" class="pw-strip">
        <li v-for="(one, n) in pictures" :key="one.id">
          <button type="button" :aria-current="n === at ? 'true' : null" :aria-label="one.alt" @click="at = n">
            <img :src="one.small" alt="" loading="lazy" width="96" height="72">
          </button>
        </li>
      </ul>
    </section>`,
};
