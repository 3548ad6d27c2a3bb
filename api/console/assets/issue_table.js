// The issues as a table: asks the API for one page after another, draws only the rows in sight, keeps the choice in the
// address. What is done to the chosen ones is asked for and taken by the page around it.
const PAGE = 60;
const REFRESH_MS = 4000; // between two looks at what is shown, however much happens
const BEYOND = 12; // rows drawn above and below the sight
const EMPTY = { state: "unfinished", kind: "", violation: "", community: "", department: "", point: "", source: "", due: "", text: "", sort: "newest" };

export default {
  props: { texts: Object, options: Object, language: String, zone: String, day_ends: String, beat: Number, offered: Array, selectable: Boolean, progress: Object, outcome: Array },
  emits: ["selected", "act", "seen"],
  data() {
    return { choice: { ...EMPTY }, pages: [], total: null, loading: false, failed: "", at: -1, chosen: {}, from: 0, height: 60, sight: 20, saved: [], name: "", saving: false, help: false, shown_outcome: [] };
  },
  computed: {
    rows() { return this.pages.flatMap((page) => page.items); },
    more() { return this.pages.length ? this.pages[this.pages.length - 1].next : null; },
    first() { return Math.max(0, this.from - BEYOND); },
    last() { return Math.min(this.rows.length, this.from + this.sight + BEYOND); },
    drawn() { return this.rows.slice(this.first, this.last); },
    count() { return Object.keys(this.chosen).length; },
    narrows() { return Object.keys(EMPTY).some((name) => name !== "sort" && this.choice[name] !== EMPTY[name]); },
    classes() { return this.options.classes.filter((one) => !this.choice.kind || one.kind === this.choice.kind); },
    all_chosen() { return this.rows.length > 0 && this.rows.slice(0, this.options.most).every((row) => this.chosen[row.number]); },
  },
  watch: {
    beat() { this.refresh_soon(); },
    outcome(now) { this.shown_outcome = now || []; if (now) { this.chosen = {}; this.tell(); this.refresh(); } },
  },
  mounted() {
    this.read_address();
    this.formatter = new Intl.DateTimeFormat("sv-SE", { timeZone: this.zone, dateStyle: "short", timeStyle: "short" });
    this.on_scroll = () => { if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = 0; this.look(); }); };
    this.on_back = () => { this.read_address(); this.load(); };
    addEventListener("scroll", this.on_scroll, { passive: true });
    addEventListener("resize", this.on_scroll);
    addEventListener("popstate", this.on_back);
    document.addEventListener("keydown", this.key);
    this.load();
    this.ask("/api/v1/me/filters").then((found) => { this.saved = found; }).catch(() => {});
  },
  beforeUnmount() {
    removeEventListener("scroll", this.on_scroll);
    removeEventListener("resize", this.on_scroll);
    removeEventListener("popstate", this.on_back);
    document.removeEventListener("keydown", this.key);
  },
  methods: {
    fill(text, facts) { return text.replace(/\{(\w+)\}/g, (_, name) => facts[name]); },
    moment(at) { return at ? this.formatter.format(new Date(at)) : ""; },
    short(at) { const text = this.moment(at); return text.startsWith(this.moment(Date.now()).slice(0, 4)) ? text.slice(5) : text; },
    named(entry) { return this.language === "en" ? entry.en : entry.zh; },
    department(code) { return this.options.departments[code] || code || ""; },
    post(row) { if (!row.post) return this.texts.nobody; const title = this.language === "en" && row.post.en ? row.post.en : row.post.zh; return row.post.holder ? `${title} · ${row.post.holder}` : title; },
    due(row) {
      const running = row.deadlines.slice().sort((one, other) => (one.due_at < other.due_at ? -1 : 1))[0];
      return running ? { at: this.short(running.due_at), pace: running.pace, words: this.options.paces[running.pace] || "" } : { at: row.closed_at ? "" : this.short(row.due_at), pace: "", words: "" };
    },
    picture(row) { return row.cover_capture_id ? `/api/v1/captures/${row.cover_capture_id}/picture?boxes=true&small=true` : ""; },

    // the choice and the address
    read_address() {
      const asked = new URLSearchParams(location.search);
      this.choice = { ...EMPTY };
      for (const name of Object.keys(EMPTY)) {
        const value = (asked.get(name) || "").slice(0, 80);
        if (value && (!this.options.known[name] || this.options.known[name].includes(value))) this.choice[name] = value;
      }
    },
    address() {
      const chosen = Object.entries(this.choice).filter(([name, value]) => value && value !== EMPTY[name]);
      return new URLSearchParams(chosen).toString();
    },
    choose(name, value) {
      this.choice[name] = value;
      if (name === "kind" && !this.classes.some((one) => one.code === this.choice.violation)) this.choice.violation = "";
      if (name === "sort" && value === "due" && !["unfinished"].includes(this.choice.state) && this.choice.state === "all") this.choice.state = "unfinished";
      this.go();
    },
    type(value) {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => { if (value.trim() !== this.choice.text) this.choose("text", value.trim()); }, 200);
    },
    clear() { this.choice = { ...EMPTY, sort: this.choice.sort }; this.go(); },
    apply(query) { history.pushState(null, "", query ? `/issues?${query}` : "/issues"); this.read_address(); this.load(); },
    go() {
      const query = this.address();
      if (`?${query}` !== location.search) history.pushState(null, "", query ? `/issues?${query}` : "/issues");
      this.load();
    },
    asked() {
      const { state, due, ...rest } = this.choice;
      const query = new URLSearchParams(Object.entries(rest).filter(([, value]) => value));
      (this.options.states_of[state] || []).forEach((one) => query.append("state", one));
      if (due === "overdue") query.set("overdue", "true");
      if (due === "today") query.set("due_before", this.day_ends);
      return query;
    },
    export_address(format) { const query = this.asked(); query.set("format", format); query.set("language", this.language); return `/api/v1/issues/export?${query}`; },

    // loading
    async ask(path, options = {}) {
      const answer = await fetch(path, { ...options, headers: { Accept: "application/json", "Accept-Language": this.language, ...(options.headers || {}) } });
      if (answer.status === 401) { location.href = `/sign-in?onward=${encodeURIComponent(location.pathname + location.search)}`; throw new Error("401"); }
      if (!answer.ok) { const problem = await answer.json().catch(() => ({})); throw new Error([problem.title, problem.detail].filter(Boolean).join(" · ") || String(answer.status)); }
      return answer.status === 204 ? null : answer.json();
    },
    page(query, cursor) {
      const wanted = new URLSearchParams(query);
      wanted.set("limit", PAGE);
      if (cursor) wanted.set("cursor", cursor);
      return this.ask(`/api/v1/issues?${wanted}`);
    },
    async load() {
      const query = this.asked();
      this.asking = query.toString();
      this.loading = true;
      try {
        const [page, counted] = await Promise.all([this.page(query, null), this.ask(`/api/v1/issues/count?${query}`)]);
        if (this.asking !== query.toString()) return; // another choice was made meanwhile
        this.pages = [{ cursor: null, items: page.items, next: page.next }];
        this.total = counted;
        this.failed = "";
        this.at = -1;
        this.from = 0;
        this.chosen = {};
        this.tell();
        this.$emit("seen");
        this.$nextTick(this.look);
      } catch (error) {
        this.failed = error.message;
      }
      this.loading = false;
    },
    async load_more() {
      if (this.loading || !this.more) return;
      const asking = this.asking, cursor = this.more;
      this.loading = true;
      try {
        const page = await this.page(this.asked(), cursor);
        if (asking === this.asking && this.more === cursor) this.pages.push({ cursor, items: page.items, next: page.next });
        this.failed = "";
      } catch (error) {
        this.failed = error.message;
      }
      this.loading = false;
      this.$nextTick(this.look);
    },
    refresh_soon() {
      if (this.due_refresh) return;
      const wait = Math.max(0, REFRESH_MS - (Date.now() - (this.refreshed || 0))) + Math.random() * 700; // not all at once
      this.due_refresh = setTimeout(() => { this.due_refresh = 0; this.refresh(); }, wait);
    },
    async refresh() {
      // Only the pages in sight are asked for anew; those behind one that ends elsewhere now are read again when reached.
      if (document.hidden) { this.stale = true; document.addEventListener("visibilitychange", () => this.refresh_soon(), { once: true }); return; }
      this.refreshed = Date.now();
      const query = this.asked(), asking = this.asking;
      try {
        let row = 0;
        for (let n = 0; n < this.pages.length; n += 1) {
          const page = this.pages[n], end = row + page.items.length;
          if (end >= this.first && row <= this.last) {
            const found = await this.page(query, page.cursor);
            if (asking !== this.asking) return;
            const goes_on = found.next === page.next;
            this.pages.splice(n, goes_on ? 1 : this.pages.length - n, { cursor: page.cursor, items: found.items, next: found.next });
          }
          row = end;
        }
        this.total = await this.ask(`/api/v1/issues/count?${query}`);
        this.failed = "";
        const known = Object.fromEntries(this.rows.map((one) => [one.number, one.revision]));
        for (const number of Object.keys(this.chosen)) if (number in known) this.chosen[number] = known[number];
        this.$nextTick(this.look);
      } catch (error) {
        this.failed = error.message;
      }
    },
    look() {
      const body = this.$refs.body;
      if (!body) return;
      const one = body.querySelector(".pw-row");
      if (one) this.height = one.offsetHeight || this.height;
      const above = -body.getBoundingClientRect().top;
      this.from = Math.max(0, Math.floor(above / this.height));
      this.sight = Math.ceil(innerHeight / this.height);
      if (this.from + this.sight + PAGE / 2 > this.rows.length) this.load_more();
    },

    // choosing and acting
    toggle(row) {
      if (this.chosen[row.number]) delete this.chosen[row.number];
      else if (this.count < this.options.most) this.chosen[row.number] = row.revision;
      this.tell();
    },
    toggle_all() {
      this.chosen = this.all_chosen ? {} : Object.fromEntries(this.rows.slice(0, this.options.most).map((row) => [row.number, row.revision]));
      this.tell();
    },
    unchoose() { this.chosen = {}; this.tell(); },
    tell() {
      clearTimeout(this.telling);
      this.telling = setTimeout(() => this.$emit("selected", Object.keys(this.chosen)), 120);
    },
    act(action) { this.$emit("act", { action, targets: Object.entries(this.chosen).map(([number, revision]) => ({ number, revision })) }); },

    // keys
    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (this.help && event.key === "Escape") { this.help = false; return; }
      if (document.querySelector(".q-dialog, dialog[open]") || event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]")) {
        if (event.key === "Escape" && event.target === this.$refs.text) event.target.blur();
        return;
      }
      const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
      const row = this.rows[this.at];
      if (step) this.move(this.at + step);
      else if (event.key === "x" && row && this.selectable) this.toggle(row);
      else if (event.key === "a" && this.selectable) this.toggle_all();
      else if (event.key === "Enter" && row && !event.target.closest?.("a, button, input, summary")) location.href = `/issues/${row.number}`;
      else if (event.key === "o" && row) location.href = `/issues/${row.number}`;
      else if (event.key === "/") this.$refs.text.focus();
      else if (event.key === "?") this.help = true;
      else if (event.key === "Escape" && this.count) this.unchoose();
      else return;
      event.preventDefault();
    },
    async move(to) {
      this.at = Math.max(0, Math.min(this.rows.length - 1, to));
      if (this.at > this.rows.length - 20) this.load_more();
      const top = this.$refs.body.getBoundingClientRect().top + this.at * this.height, room = 130;
      if (top < room) scrollBy(0, top - room);
      else if (top + this.height > innerHeight - 70) scrollBy(0, top + this.height - innerHeight + 70);
      this.look();
      await this.$nextTick();
      this.$refs.body.querySelector(`[data-at="${this.at}"] a`)?.focus({ preventScroll: true });
    },

    // saved filters
    async save() {
      const name = this.name.trim();
      if (!name) return;
      try {
        await this.ask("/api/v1/me/filters", { method: "PUT", body: JSON.stringify({ name, query: this.address() }), headers: { "Content-Type": "application/json" } });
        this.saved = await this.ask("/api/v1/me/filters");
        this.saving = false;
        this.name = "";
      } catch (error) {
        this.failed = error.message;
      }
    },
    async forget(name) {
      try {
        await this.ask(`/api/v1/me/filters?${new URLSearchParams({ name })}`, { method: "DELETE" });
      } catch (error) {
        this.failed = error.message;
      }
      this.saved = await this.ask("/api/v1/me/filters");
    },
    start_saving() { this.saving = true; this.$nextTick(() => this.$refs.name.focus()); },
  },
  template: `
    <div class="pw-desk">
      <form class="pw-bar" role="search" :aria-label="texts.filters" @submit.prevent="type(choice.text)">
        <label class="pw-pick pw-pick-text"><span>{{ texts.text }}</span>
          <input ref="text" type="search" maxlength="80" :value="choice.text" :placeholder="texts.text_hint" enterkeyhint="search" @input="type($event.target.value)"></label>
        <label class="pw-pick"><span>{{ texts.state }}</span>
          <select :value="choice.state" @change="choose('state', $event.target.value)"><option v-for="one in options.states" :value="one.code">{{ one.name }}</option></select></label>
        <label class="pw-pick"><span>{{ texts.due_filter }}</span>
          <select :value="choice.due" @change="choose('due', $event.target.value)"><option value="">{{ texts.any }}</option><option value="overdue">{{ texts.overdue }}</option><option value="today">{{ texts.today }}</option></select></label>
        <label class="pw-pick"><span>{{ texts.kind }}</span>
          <select :value="choice.kind" @change="choose('kind', $event.target.value)"><option value="">{{ texts.any }}</option><option v-for="one in options.kinds" :value="one.code">{{ one.name }}</option></select></label>
        <label class="pw-pick"><span>{{ texts.violation }}</span>
          <select :value="choice.violation" @change="choose('violation', $event.target.value)"><option value="">{{ texts.any }}</option><option v-for="one in classes" :value="one.code">{{ one.name }}</option></select></label>
        <label class="pw-pick"><span>{{ texts.community }}</span>
          <select :value="choice.community" @change="choose('community', $event.target.value)"><option value="">{{ texts.any }}</option><option v-for="one in options.communities" :value="one">{{ one }}</option></select></label>
        <label class="pw-pick"><span>{{ texts.department }}</span>
          <select :value="choice.department" @change="choose('department', $event.target.value)"><option value="">{{ texts.any }}</option><option v-for="(name, code) in options.departments" :value="code">{{ name }}</option></select></label>
        <label class="pw-pick"><span>{{ texts.point }}</span>
          <select :value="choice.point" @change="choose('point', $event.target.value)"><option value="">{{ texts.any }}</option><option v-for="one in options.points" :value="one.code">{{ one.name }}</option></select></label>
        <label class="pw-pick"><span>{{ texts.source }}</span>
          <select :value="choice.source" @change="choose('source', $event.target.value)"><option value="">{{ texts.any }}</option><option v-for="(name, code) in options.sources" :value="code">{{ name }}</option></select></label>
        <label class="pw-pick"><span>{{ texts.sort }}</span>
          <select :value="choice.sort" @change="choose('sort', $event.target.value)"><option v-for="(name, code) in options.sorts" :value="code">{{ name }}</option></select></label>
      </form>
      <div class="pw-kept">
        <span v-for="one in saved" :key="one.name" class="pw-kept-one" :data-on="one.query === address()">
          <button type="button" @click="apply(one.query)" :aria-pressed="one.query === address()">{{ one.name }}</button>
          <button type="button" :aria-label="fill(texts.forget, { name: one.name })" @click="forget(one.name)">×</button>
        </span>
        <button v-if="!saving" type="button" class="pw-quiet" @click="start_saving">{{ texts.save }}</button>
        <form v-else class="pw-kept-name" @submit.prevent="save" @keydown.esc="saving = false">
          <input ref="name" v-model="name" maxlength="60" :aria-label="texts.save_name" :placeholder="texts.save_name"><button type="submit" class="pw-quiet">{{ texts.save_now }}</button>
        </form>
        <button v-if="narrows" type="button" class="pw-quiet pw-clear" @click="clear">{{ texts.clear }}</button>
        <span class="pw-stretch"></span>
        <span class="pw-total" role="status">{{ total ? fill(total.more ? texts.total_more : texts.total, { count: total.count }) : "" }}</span>
        <a class="pw-quiet" :href="export_address('csv')" download>CSV</a>
        <a class="pw-quiet" :href="export_address('xlsx')" download>XLSX</a>
        <button type="button" class="pw-quiet pw-keys" :aria-label="texts.help" @click="help = true">?</button>
      </div>
      <p v-if="failed" class="pw-warning" role="alert">{{ failed }} <button type="button" class="pw-quiet" @click="load">{{ texts.again }}</button></p>
      <div v-if="shown_outcome.length" class="pw-card pw-outcome" role="alert">
        <h2>{{ texts.refused }}</h2>
        <ul><li v-for="one in shown_outcome" :key="one.number"><a :href="'/issues/' + one.number" class="pw-number">{{ one.number }}</a> {{ one.words }}</li></ul>
        <button type="button" class="pw-quiet" @click="shown_outcome = []">{{ texts.close }}</button>
      </div>
      <div v-if="!loading && !failed && !rows.length" class="pw-empty">
        <h2>{{ narrows ? texts.none_match : texts.none }}</h2><p>{{ narrows ? texts.none_match_next : texts.none_next }}</p>
        <button v-if="narrows" type="button" class="pw-button" @click="clear">{{ texts.clear }}</button>
      </div>
      <div v-show="rows.length" class="pw-grid" :class="{ plain: !selectable }" role="table" :aria-label="texts.label" :aria-rowcount="total && !total.more ? total.count + 1 : -1">
        <div role="rowgroup" class="pw-grid-head"><div role="row" class="pw-row-head" aria-rowindex="1">
          <span role="columnheader" class="c-pick"><input v-if="selectable" type="checkbox" :checked="all_chosen" :aria-label="texts.select_all" @change="toggle_all"></span>
          <span role="columnheader" class="c-thumb"><span class="pw-hidden">{{ texts.picture }}</span></span>
          <span role="columnheader" class="c-what">{{ texts.violation }}</span><span role="columnheader" class="c-state">{{ texts.state }}</span>
          <span role="columnheader" class="c-where">{{ texts.point }}</span><span role="columnheader" class="c-who">{{ texts.post }}</span>
          <span role="columnheader" class="c-due">{{ texts.due }}</span><span role="columnheader" class="c-seen">{{ texts.last }}</span>
        </div></div>
        <div ref="body" role="rowgroup" class="pw-grid-body" :style="{ paddingTop: first * height + 'px', paddingBottom: (rows.length - last) * height + 'px' }">
          <div v-for="(row, n) in drawn" :key="row.id" role="row" class="pw-row" :data-at="first + n" :class="{ at: first + n === at, chosen: chosen[row.number] }" :aria-rowindex="first + n + 2" :data-number="row.number">
            <span role="cell" class="c-pick"><input v-if="selectable" type="checkbox" :checked="!!chosen[row.number]" :aria-label="fill(texts.select, { number: row.number })" @change="toggle(row)"></span>
            <span role="cell" class="c-thumb"><img v-if="picture(row)" :src="picture(row)" alt="" loading="lazy" decoding="async" width="64" height="48" @error="$event.target.classList.add('blank')"></span>
            <span role="cell" class="c-what"><a :href="'/issues/' + row.number" @focus="at = first + n"><strong>{{ named(row.violation) }}</strong><span class="pw-number">{{ row.number }}</span></a></span>
            <span role="cell" class="c-state"><span class="pw-state" :data-state="row.state">{{ options.state_names[row.state] }}</span><span v-if="row.supervised" class="pw-flag" data-flag="supervised">{{ texts.supervised }}</span></span>
            <span role="cell" class="c-where"><span>{{ row.point.code }} {{ row.point.name }}</span><small>{{ row.point.community }}</small></span>
            <span role="cell" class="c-who"><span>{{ post(row) }}</span><small>{{ department(row.department) }}</small></span>
            <span role="cell" class="c-due"><span>{{ due(row).at }}</span><span v-if="due(row).words" class="pw-pace" :data-pace="due(row).pace">{{ due(row).words }}</span></span>
            <span role="cell" class="c-seen"><span>{{ short(row.last_seen_at) }}</span><small>{{ fill(texts.times, { count: row.sighting_count }) }}</small></span>
          </div>
        </div>
      </div>
      <p v-if="loading" class="pw-hint" role="status">{{ texts.loading }}</p>
      <div v-if="count" class="pw-bulk" role="toolbar" :aria-label="texts.actions">
        <strong>{{ fill(texts.chosen, { count }) }}</strong>
        <template v-if="progress"><progress :value="progress.done" :max="progress.all"></progress><span role="status">{{ progress.done }} / {{ progress.all }}</span></template>
        <template v-else>
          <button v-for="one in offered" :key="one.action" type="button" class="pw-quiet" :data-action="one.action" @click="act(one.action)">{{ one.name }}<small v-if="one.count < count"> {{ one.count }}</small></button>
          <button type="button" class="pw-quiet pw-unchoose" @click="unchoose">{{ texts.unchoose }}</button>
        </template>
      </div>
      <div v-if="help" class="pw-cover" @click.self="help = false"><div class="pw-dialog" role="dialog" aria-modal="true" :aria-label="texts.help">
        <h2>{{ texts.help }}</h2><dl class="pw-facts"><div v-for="one in options.keys"><dt><kbd>{{ one.key }}</kbd></dt><dd>{{ one.words }}</dd></div></dl>
        <div class="pw-actions"><button type="button" class="pw-button" @click="help = false">{{ texts.close }}</button></div>
      </div></div>
    </div>`,
};
