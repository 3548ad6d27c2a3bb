// Points as a list of links; hundreds of them are one element for the server.
export default {
  props: { rows: Array, label: String },
  template: `
    <ul class="pw-points" :aria-label="label">
      <li v-for="row in rows" :key="row.code"><a :href="row.href"><i class="pw-dot-sample" :data-state="row.state"></i><span>{{ row.name }}</span><small>{{ row.words }}</small></a></li>
    </ul>`,
};
