// The pictures of an issue. Boxes lie over the picture in per cent of it, so that switching them costs nothing; zooming
// moves the layer that holds both.
const MOST = 8;

export default {
  props: { pictures: Array, texts: Object },
  data() {
    return { at: 0, boxes: true, scale: 1, x: 0, y: 0 };
  },
  computed: {
    picture() {
      return this.pictures[Math.min(this.at, this.pictures.length - 1)];
    },
    moved() {
      return { transform: `translate(${this.x}px, ${this.y}px) scale(${this.scale})`, "--scale": this.scale };
    },
  },
  methods: {
    go(by) {
      this.show(Math.max(0, Math.min(this.pictures.length - 1, this.at + by)));
    },
    show(at) {
      if (at !== this.at) this.zoom_to(1, 0, 0);
      this.at = at;
    },
    key(event) {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key], zoom = { "+": 1.5, "=": 1.5, "-": 1 / 1.5 }[event.key];
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (step) this.go(step);
      else if (zoom) this.zoom(zoom);
      else if (event.key === "0") this.zoom_to(1, 0, 0);
      else if (event.key === "b") this.boxes = !this.boxes;
      else return;
      event.preventDefault();
    },
    zoom_to(scale, x, y) {
      const frame = this.$refs.frame, width = frame?.clientWidth || 0, height = frame?.clientHeight || 0;
      this.scale = Math.max(1, Math.min(MOST, scale));
      this.x = Math.min(0, Math.max(width * (1 - this.scale), x)); // the picture never leaves its frame
      this.y = Math.min(0, Math.max(height * (1 - this.scale), y));
    },
    zoom(by, event) {
      const frame = this.$refs.frame.getBoundingClientRect();
      const px = event ? event.clientX - frame.left : frame.width / 2, py = event ? event.clientY - frame.top : frame.height / 2;
      const scale = Math.max(1, Math.min(MOST, this.scale * by)), grown = scale / this.scale;
      this.zoom_to(scale, px - (px - this.x) * grown, py - (py - this.y) * grown);
    },
    wheel(event) {
      if (!event.ctrlKey && this.scale === 1 && event.deltaY > 0) return; // the page scrolls on
      if (!event.ctrlKey && this.scale === 1 && document.activeElement !== this.$el) return;
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event);
    },
    grab(event) {
      if (this.scale === 1 || event.button) return;
      const start = { x: event.clientX - this.x, y: event.clientY - this.y };
      const move = (one) => this.zoom_to(this.scale, one.clientX - start.x, one.clientY - start.y);
      const drop = () => { removeEventListener("pointermove", move); removeEventListener("pointerup", drop); };
      addEventListener("pointermove", move);
      addEventListener("pointerup", drop);
      event.preventDefault();
    },
  },
  template: `
    <section v-if="picture" class="pw-evidence" :aria-label="texts.label" tabindex="0" @keydown="key">
      <div ref="frame" class="pw-picture" :class="{ zoomed: scale > 1 }" :style="{ aspectRatio: picture.width / picture.height, '--ratio': picture.width / picture.height }"
        @wheel="wheel" @dblclick="scale > 1 ? zoom_to(1, 0, 0) : zoom(2.5, $event)" @pointerdown="grab">
        <div class="pw-layer" :style="moved">
          <img :key="picture.id" :src="picture.src" :alt="picture.alt" :width="picture.width" :height="picture.height" draggable="false">
          <template v-if="boxes">
            <span v-for="(box, n) in picture.boxes" :key="picture.id + n" class="pw-box" :data-certainty="picture.certainty" :class="{ low: box.y < 8 }"
              :style="{ left: box.x + '%', top: box.y + '%', width: box.width + '%', height: box.height + '%' }"><i :class="{ end: box.x > 60 }">{{ box.label }}</i></span>
          </template>
        </div>
      </div>
      <div class="pw-picture-bar">
        <button type="button" class="pw-quiet" :disabled="at <= 0" @click="go(-1)" :aria-label="texts.previous">‹</button>
        <span aria-live="polite">{{ Math.min(at, pictures.length - 1) + 1 }} / {{ pictures.length }}</span>
        <button type="button" class="pw-quiet" :disabled="at >= pictures.length - 1" @click="go(1)" :aria-label="texts.next">›</button>
        <button type="button" class="pw-quiet pw-zoom-out" :disabled="scale <= 1" @click="zoom(1 / 1.5)" :aria-label="texts.zoom_out">−</button>
        <button type="button" class="pw-quiet pw-zoom-in" :disabled="scale >= 8" @click="zoom(1.5)" :aria-label="texts.zoom_in">+</button>
        <span class="pw-stretch"></span>
        <button type="button" class="pw-quiet pw-boxes" :aria-pressed="boxes" @click="boxes = !boxes">{{ texts.boxes }}</button>
        <a class="pw-quiet" :href="boxes ? picture.with_boxes : picture.src" target="_blank" rel="noopener">{{ texts.whole }}</a>
      </div>
      <dl class="pw-facts">
        <div v-for="fact in picture.facts"><dt>{{ fact[0] }}</dt><dd :class="{ code: fact[2] }">{{ fact[1] }}</dd></div>
      </dl>
      <ul v-if="pictures.length > 1" class="pw-strip">
        <li v-for="(one, n) in pictures" :key="one.id">
          <button type="button" :aria-current="n === at ? 'true' : null" :aria-label="one.alt" @click="show(n)">
            <img :src="one.small" alt="" loading="lazy" width="96" height="72">
          </button>
        </li>
      </ul>
    </section>`,
};
