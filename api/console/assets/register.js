// A register as a table: found by words, narrowed by choices, put in order by its headings. What is chosen stands in the
// address, so that links and reloads keep it. On a phone each row is a card.
const STEP = 100; // rows drawn at a time

export default {
  props: { label: String, columns: Array, rows: Array, filters: Array, texts: Object, can_open: Boolean, size: Number },
  emits: ["open"],
  data() {
    const asked = new URLSearchParams(location.search);
    const chosen = {};
    for (const one of this.filters || []) chosen[one.name] = asked.get(one.name) || "";
    return { word: asked.get("q") || "", chosen, shown: this.size || STEP, by: -1, down: false };
  },
  computed: {
    fitting() {
      const words = this.word.trim().toLowerCase().split(/\s+/).filter(Boolean);
      const narrowing = Object.entries(this.chosen).filter(([, value]) => value);
      const found = this.rows.filter((row) =>
        words.every((one) => row.words.includes(one)) && narrowing.every(([name, value]) => [].concat(row.tags[name]).includes(value)));
      if (this.by < 0) return found;
      const turn = this.down ? -1 : 1;
      return [...found].sort((one, other) => turn * this.compare(one.cells[this.by], other.cells[this.by]));
    },
  },
  watch: {
    word() { this.keep(); },
    chosen: { deep: true, handler() { this.keep(); } },
  },
  methods: {
    compare(one, other) {
      const [a, b] = [one, other].map((cell) => (cell.order !== undefined ? cell.order : cell.text));
      return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), document.documentElement.lang, { numeric: true });
    },
    order(column) {
      this.down = this.by === column && !this.down;
      this.by = column;
    },
    keep() {
      this.shown = this.size || STEP;
      const address = new URL(location.href);
      for (const [name, value] of [["q", this.word.trim()], ...Object.entries(this.chosen)]) {
        if (value) address.searchParams.set(name, value);
        else address.searchParams.delete(name);
      }
      history.replaceState(history.state, "", address);
    },
    fill(text, facts) {
      return text.replace(/\{(\w+)\}/g, (_, name) => facts[name]);
    },
  },
  template: `
    <div class="pw-register">
      <div class="pw-register-bar">
        <input class="pw-input" type="search" v-model="word" :placeholder="texts.search" :aria-label="texts.search">
        <select v-for="one in filters" :key="one.name" class="pw-input" v-model="chosen[one.name]" :aria-label="one.label">
          <option value="">{{ one.label }}</option>
          <option v-for="option in one.options" :key="option.value" :value="option.value">{{ option.label }}</option>
        </select>
        <span class="pw-lead" role="status">{{ fill(texts.count, { count: fitting.length, all: rows.length }) }}</span>
      </div>
      <div class="pw-table-frame pw-register-frame" tabindex="0" role="region" :aria-label="label">
        <table class="pw-table">
          <thead><tr>
            <th v-for="(column, index) in columns" :key="index" scope="col" :class="{ 'pw-number-cell': column.number }"
                :aria-sort="by === index ? (down ? 'descending' : 'ascending') : 'none'">
              <button type="button" @click="order(index)">{{ column.label }}<i aria-hidden="true">{{ by === index ? (down ? ' ↓' : ' ↑') : '' }}</i></button>
            </th>
          </tr></thead>
          <tbody>
            <tr v-for="row in fitting.slice(0, shown)" :key="row.key" :data-key="row.key" :class="{ 'pw-spent': row.spent }">
              <td v-for="(cell, index) in row.cells" :key="index" :data-label="columns[index].label" :class="{ 'pw-number-cell': columns[index].number }">
                <a v-if="index === 0 && row.href" :href="row.href">{{ cell.text }}</a>
                <button v-else-if="index === 0 && can_open" type="button" class="pw-link" @click="$emit('open', row.key)">{{ cell.text }}</button>
                <a v-else-if="cell.href" :href="cell.href">{{ cell.text }}</a>
                <span v-else-if="cell.state" class="pw-state" :data-state="cell.state">{{ cell.text }}</span>
                <span v-else>{{ cell.text }}</span>
                <small v-if="cell.small">{{ cell.small }}</small>
              </td>
            </tr>
          </tbody>
        </table>
        <p v-if="!fitting.length" class="pw-lead pw-none">{{ texts.none }}</p>
      </div>
      <button v-if="fitting.length > shown" type="button" class="pw-button pw-second pw-more" @click="shown += size || 100">{{ texts.more }}</button>
    </div>`,
};
