// Photos that came in as rows. Rows are keyed, so that a refresh neither moves the scroll nor loads a picture again.
export default {
  props: { rows: Array, more: Boolean, counts: Object, status: String, statuses: Object, can_send: Boolean, texts: Object, ready: Boolean },
  emits: ["choose", "more", "again", "again_all"],
  template: `
    <div>
      <div class="pw-kinds" role="group" :aria-label="texts.filter">
        <button type="button" class="pw-kind" :aria-pressed="status === ''" @click="$emit('choose', '')">{{ texts.all }}</button>
        <button v-for="(name, code) in statuses" :key="code" type="button" class="pw-kind" :data-status="code" :aria-pressed="status === code" @click="$emit('choose', code)"><span>{{ name }}</span><b>{{ counts[code] || 0 }}</b></button>
        <button v-if="can_send && counts.failed" type="button" class="pw-quiet pw-again-all" @click="$emit('again_all')">{{ texts.again_all }}</button>
      </div>
      <div v-if="ready && !rows.length" class="pw-empty"><h2>{{ texts.none }}</h2><p>{{ texts.none_next }}</p><a v-if="can_send" class="pw-button" href="/upload">{{ texts.send }}</a></div>
      <ul class="pw-photos">
        <li v-for="row in rows" :key="row.id" :data-state="row.status">
          <a v-if="row.picture" :href="row.whole" target="_blank" rel="noopener"><img :src="row.picture" :alt="texts.picture + ' ' + row.name" loading="lazy" decoding="async" width="88" height="66"></a>
          <span v-else class="pw-no-picture"></span>
          <div>
            <span class="pw-photo-name">{{ row.place }}</span>
            <span class="pw-photo-quiet">{{ row.sent }} · {{ row.name }}</span>
            <span v-if="row.issues.length" class="pw-found"><a v-for="one in row.issues" :key="one.number" :href="one.href">{{ one.name }} · {{ one.number }}</a></span>
            <span v-else-if="row.status === 'done'" class="pw-photo-quiet">{{ texts.nothing }}</span>
            <span v-if="row.error" class="pw-photo-quiet pw-bad" lang="en">{{ row.error }}</span>
          </div>
          <span class="pw-photo-state">{{ row.status_text }}</span>
          <button v-if="can_send && row.status === 'failed'" type="button" class="pw-quiet" :aria-label="texts.again + ' ' + row.name" @click="$emit('again', row.id)">{{ texts.again }}</button>
        </li>
      </ul>
      <button v-if="more" type="button" class="pw-button pw-more" @click="$emit('more')">{{ texts.more }}</button>
    </div>`,
};
