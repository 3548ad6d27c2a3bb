// Issues as rows. Rows are keyed, so that a refresh neither moves the scroll nor loads a picture again.
export default {
  props: { rows: Array, more: Boolean, texts: Object },
  emits: ["more"],
  template: `
    <div>
      <ul class="pw-issues">
        <li v-for="row in rows" :key="row.id">
          <a class="pw-issue" :href="row.href">
            <span v-if="!row.picture" class="pw-thumb"></span>
            <img v-else class="pw-thumb" :src="row.picture" alt="" loading="lazy" decoding="async" width="132" height="99">
            <span class="pw-issue-main">
              <span class="pw-issue-title">
                <strong>{{ row.title }}</strong>
                <span class="pw-state" :data-state="row.state">{{ row.state_text }}</span>
                <span v-if="row.mark" class="pw-mark-word">{{ row.mark }}</span>
              </span>
              <span class="pw-issue-point">{{ row.point }}</span>
              <span class="pw-issue-quiet"><span class="pw-number">{{ row.number }}</span><span class="pw-issue-kind">{{ row.kind }}</span><span>{{ row.community }}</span></span>
            </span>
            <span class="pw-issue-side">
              <span><em>{{ texts.post }}</em>{{ row.post }}<template v-if="row.department">（{{ row.department }}）</template></span>
              <span v-for="due in row.due"><em>{{ texts.due }}</em>{{ due.words }}<span v-if="due.mark" class="pw-pace" :data-pace="due.pace">{{ due.mark }}</span></span>
              <span class="pw-issue-first"><em>{{ texts.first }}</em><time>{{ row.first }}</time></span>
              <span><em>{{ texts.last }}</em><time>{{ row.last }}</time></span>
            </span>
            <span class="pw-issue-count"><strong>{{ row.seen }}</strong><span>{{ row.confidence }}</span></span>
          </a>
        </li>
      </ul>
      <button v-if="more" type="button" class="pw-button pw-more" @click="$emit('more')">{{ texts.more }}</button>
    </div>`,
};
