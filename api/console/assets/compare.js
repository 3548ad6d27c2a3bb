// Before and after, one picture over the other; a slider, which the keyboard moves too, says how much of each is seen.
export default {
  props: { before: Object, after: Object, texts: Object },
  data() {
    return { share: 50 };
  },
  template: `
    <figure class="pw-compare">
      <div class="pw-compare-frame" :style="{ aspectRatio: before.ratio }">
        <img :src="after.src" :alt="after.alt">
        <img :src="before.src" :alt="before.alt" class="over" :style="{ clipPath: 'inset(0 ' + (100 - share) + '% 0 0)' }">
        <span class="pw-compare-line" :style="{ left: share + '%' }" aria-hidden="true"></span>
        <span class="pw-compare-word left" aria-hidden="true">{{ texts.before }}</span><span class="pw-compare-word right" aria-hidden="true">{{ texts.after }}</span>
        <input v-model.number="share" type="range" min="0" max="100" :aria-label="texts.slider" :aria-valuetext="share + ' % ' + texts.before">
      </div>
    </figure>`,
};
