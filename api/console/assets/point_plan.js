// Points on a graticule. A dot is a real link: it can be reached by keyboard and opened in another tab.
export default {
  props: { chart: Object, dots: Array, chosen: String, texts: Object },
  emits: ["choose"],
  methods: {
    side(dot) {
      return (dot.x > 55 ? "left " : "right ") + (dot.y < 18 ? "below" : dot.y > 82 ? "above" : "");
    },
  },
  template: `
    <figure class="pw-plan" :aria-label="texts.label">
      <div class="pw-plan-ground" :style="{ aspectRatio: chart.ratio, '--ratio': chart.ratio }">
        <span v-for="line in chart.meridians" class="pw-meridian" :class="{ 'pw-at-edge': line.at > 80 }" :style="{ left: line.at + '%' }" aria-hidden="true"><i>{{ line.label }}</i></span>
        <span v-for="line in chart.parallels" class="pw-parallel" :style="{ top: line.at + '%' }" aria-hidden="true"><i>{{ line.label }}</i></span>
        <a v-for="dot in dots" :key="dot.code" class="pw-dot" :class="{ chosen: dot.code === chosen }" :data-state="dot.state"
          :href="dot.href" :style="{ left: dot.x + '%', top: dot.y + '%' }" :aria-label="dot.name + ', ' + dot.words"
          :aria-current="dot.code === chosen ? 'true' : null" @click.exact.prevent="$emit('choose', dot.code)">
          <b aria-hidden="true">{{ dot.count || "" }}</b>
          <span class="pw-tip" :data-side="side(dot)" aria-hidden="true"><strong>{{ dot.name }}</strong><br>{{ dot.words }}</span>
        </a>
        <span class="pw-north" aria-hidden="true">↑ {{ texts.north }}</span>
        <span class="pw-scale" :style="{ width: chart.scale_percent + '%' }" aria-hidden="true">{{ texts.scale }}</span>
      </div>
      <figcaption>
        <span v-for="one in texts.legend" class="pw-legend"><i class="pw-dot-sample" :data-state="one.state"></i>{{ one.text }}</span>
      </figcaption>
    </figure>`,
};
