// The office at one look: counts that lead to their lists, where it piles up, how the last days went, what is newest.
export default {
  props: { figures: Object, texts: Object, states: Object, camera_states: Object, language: String, zone: String, can_see_photos: Boolean },
  computed: {
    tiles() {
      const f = this.figures, t = this.texts;
      return [
        { name: "at_work", count: f.at_work, words: t.at_work, href: "/issues?state=unfinished" },
        { name: "overdue", count: f.overdue, words: t.overdue, href: "/issues?due=overdue&sort=due", look: f.overdue ? "open" : "clear" },
        { name: "due_today", count: f.due_today, words: t.due_today, href: "/issues?due=today&sort=due", look: f.due_today ? "in_review" : "" },
        { name: "suspected", count: f.suspected, words: t.suspected, href: "/issues?state=suspected" },
        { name: "affected", count: `${f.points_with_open} / ${f.points}`, words: t.affected, href: "/plan" },
        ...(this.can_see_photos ? [{ name: "waiting", count: f.photos_waiting, words: t.waiting, href: "/captures", more: f.photos_failed ? this.fill(t.failed, { count: f.photos_failed }) : "" }] : []),
        ...(this.cameras ? [{ name: "cameras", count: `${this.cameras.online} / ${this.cameras.all}`, words: t.cameras, href: "/cameras", look: this.cameras.wrong ? "open" : "", more: this.cameras.words }] : []),
      ];
    },
    cameras() {
      const counts = this.figures.cameras, watched = Object.entries(counts).filter(([state]) => state !== "off");
      const all = watched.reduce((sum, [, count]) => sum + count, 0);
      if (!Object.keys(counts).length) return null;
      const wrong = watched.filter(([state]) => !["online", "waiting"].includes(state));
      return { all, online: counts.online || 0, wrong: wrong.length, words: wrong.map(([state, count]) => `${this.camera_states[state]} ${count}`).join(" · ") };
    },
    kinds() { return this.bars(this.figures.by_kind.map((one) => ({ name: this.named(one), count: one.count, href: `/issues?kind=${one.code}` }))); },
    communities() { return this.bars(this.figures.by_community.slice(0, 12).map((one) => ({ name: one.name, count: one.count, href: `/issues?community=${encodeURIComponent(one.name)}` }))); },
    most() { return Math.max(4, ...this.figures.days.flatMap((one) => [one.opened, one.closed])); },
    days() { return this.figures.days.map((one) => ({ ...one, label: one.day.slice(5), words: this.fill(this.texts.day, one) })); },
  },
  created() { this.formatter = new Intl.DateTimeFormat("sv-SE", { timeZone: this.zone, dateStyle: "short", timeStyle: "short" }); },
  methods: {
    fill(text, facts) { return text.replace(/\{(\w+)\}/g, (_, name) => facts[name]); },
    named(entry) { return this.language === "en" ? entry.en : entry.zh; },
    bars(rows) { const most = Math.max(1, ...rows.map((one) => one.count)); return rows.map((one) => ({ ...one, share: (one.count / most) * 100 })); },
    short(at) { return this.formatter.format(new Date(at)).slice(5); },
    height(count) { return `${(count / this.most) * 100}%`; },
  },
  template: `
    <div class="pw-overview">
      <div class="pw-tiles">
        <a v-for="one in tiles" :key="one.name" class="pw-tile" :data-tile="one.name" :data-look="one.look" :href="one.href"><strong>{{ one.count }}</strong><span>{{ one.words }}</span><small v-if="one.more">{{ one.more }}</small></a>
      </div>
      <div class="pw-panels">
        <section class="pw-card"><h2>{{ texts.by_kind }}</h2>
          <ul class="pw-bars"><li v-for="one in kinds" :key="one.name"><a :href="one.href"><span>{{ one.name }}</span><i aria-hidden="true"><b :style="{ width: one.share + '%' }"></b></i><em>{{ one.count }}</em></a></li></ul></section>
        <section class="pw-card"><h2>{{ texts.by_community }}</h2>
          <p v-if="!communities.length" class="pw-lead">{{ texts.nothing }}</p>
          <ul class="pw-bars"><li v-for="one in communities" :key="one.name"><a :href="one.href"><span>{{ one.name }}</span><i aria-hidden="true"><b :style="{ width: one.share + '%' }"></b></i><em>{{ one.count }}</em></a></li></ul></section>
        <section class="pw-card"><h2>{{ texts.trend }}</h2>
          <p class="pw-legend-line"><span class="pw-legend"><i class="pw-swatch opened"></i>{{ texts.opened }}</span><span class="pw-legend"><i class="pw-swatch closed"></i>{{ texts.closed }}</span></p>
          <ol class="pw-trend"><li v-for="one in days" :key="one.day" :title="one.words"><span class="pw-hidden">{{ one.words }}</span>
            <span class="pw-columns-of" aria-hidden="true"><b class="opened" :style="{ height: height(one.opened) }"><em v-if="one.opened">{{ one.opened }}</em></b><b class="closed" :style="{ height: height(one.closed) }"><em v-if="one.closed">{{ one.closed }}</em></b></span><small aria-hidden="true">{{ one.label }}</small></li></ol></section>
        <section class="pw-card pw-newest"><h2>{{ texts.newest }}</h2>
          <p v-if="!figures.newest.length" class="pw-lead">{{ texts.nothing }}</p>
          <ul><li v-for="row in figures.newest" :key="row.id"><a class="pw-new" :href="'/issues/' + row.number">
            <img v-if="row.cover_capture_id" :src="'/api/v1/captures/' + row.cover_capture_id + '/picture?boxes=true&small=true'" alt="" loading="lazy" width="64" height="48" @error="$event.target.classList.add('blank')"><span v-else class="pw-new-none"></span>
            <span><strong>{{ named(row.violation) }}</strong><span class="pw-state" :data-state="row.state">{{ states[row.state] }}</span><small>{{ row.point.code }} {{ row.point.name }} · {{ short(row.opened_at) }}</small></span></a></li></ul></section>
      </div>
    </div>`,
};
