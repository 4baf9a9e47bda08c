/*
 * requests.js - which requests wait, run and ended lately; and end one of them
 *
 * The snapshot carries the first hundred; when there are more, all of them are
 * asked for every two seconds while this view is open.
 */
import {h, setText} from '../dom.js';
import {createTable, marked} from '../table.js';
import {isFailure} from '../verdict.js';

const EVERY_MS = 2000;

export function createRequests(app) {
  const {text: {t, ...fmt}, act, api} = app;
  const counts = {waiting: h('span.count'), running: h('span.count'), recent: h('span.count')};
  let filter = '';
  let all = null;
  let asked = 0;
  let shown = false;

  const cancel = {key: 'cancel', label: t('col.action'), act: true, cell: (r) => h('button.small', {type: 'button', on: {async click(e) {
    const button = e.currentTarget;
    button.disabled = true;
    await act.cancel(r.id);
    button.disabled = false;
  }}}, t('act.cancel'), h('span.sr', null, ` ${r.id}`))};
  const client = {key: 'client', label: t('col.client'), value: (r) => r.client, cell: (r) => r.client, main: true};
  const model = {key: 'model', label: t('col.model'), value: (r) => r.model, cell: (r) => r.model || fmt.missing};
  const kind = {key: 'priority', label: t('col.class'), value: (r) => ['high', 'normal', 'low'].indexOf(r.priority),
    cell: (r) => marked(r.priority, h(`span.tag.${r.priority}`, null, t(`class.${r.priority}`)))};
  const age = {key: 'age', label: t('col.age'), num: true, value: (r) => r.age_s, cell: (r) => fmt.count(r.age_s)};
  const size = {key: 'size', label: t('col.size'), num: true, wide: true, value: (r) => r.body_bytes, cell: (r) => fmt.bytes(r.body_bytes)};
  const id = {key: 'id', label: t('col.id'), wide: true, cell: (r) => r.id};
  const stream = {key: 'stream', label: t('col.stream'), wide: true, value: (r) => (r.stream ? 1 : 0), cell: (r) => t(r.stream ? 'yes' : 'no')};

  const tables = {
    waiting: createTable({caption: t('requests.waiting'), empty: t('next.nobody'), sortBy: 'position', keyOf: (r) => r.id, t, columns: [
      {key: 'position', label: t('col.place'), num: true, value: (r) => r.position, cell: (r) => fmt.num(r.position + 1)},
      client, model, kind, age,
      {key: 'eta', label: t('col.eta'), num: true, value: (r) => r.eta_s, cell: (r) => (r.eta_s === null ? t('next.unknown') : fmt.count(r.eta_s))},
      size, stream, id, cancel]}),
    running: createTable({caption: t('requests.running'), empty: t('requests.noneRuns'), sortBy: 'age', descending: true, keyOf: (r) => r.id, t,
      columns: [client, model, kind, age, size, stream, id, cancel]}),
    recent: createTable({caption: t('requests.recent'), empty: t('requests.noneEnded'), keyOf: (r) => `${r.id}@${r.at}`, t,
      rowClass: (r) => (isFailure(r.outcome) ? 'failed' : null), columns: [
        {key: 'at', label: t('col.at'), value: (r) => r.at, cell: (r) => fmt.clock(r.at)},
        client, model,
        {key: 'outcome', label: t('col.outcome'), value: (r) => r.outcome, cell: (r) => marked(`${r.outcome}${r.status}`,
          h(`span.outcome.${r.outcome}`, {title: r.code || null}, t(`outcome.${r.outcome}`), ' ', h('span.faint.num', null, r.status)))},
        {key: 'queue', label: t('col.queue'), num: true, value: (r) => r.queue_s, cell: (r) => fmt.dur(r.queue_s)},
        {key: 'first', label: t('col.first'), num: true, value: (r) => r.first_byte_s, cell: (r) => fmt.dur(r.first_byte_s)},
        {key: 'total', label: t('col.total'), num: true, value: (r) => r.total_s, cell: (r) => fmt.dur(r.total_s)},
        {key: 'attempts', label: t('col.attempts'), num: true, wide: true, value: (r) => r.attempts, cell: (r) => fmt.num(r.attempts)},
        {key: 'in', label: t('col.tokensIn'), num: true, wide: true, value: (r) => r.tokens_in, cell: (r) => fmt.compact(r.tokens_in)},
        {key: 'out', label: t('col.tokensOut'), num: true, wide: true, value: (r) => r.tokens_out, cell: (r) => fmt.compact(r.tokens_out)},
        {key: 'code', label: t('col.code'), wide: true, value: (r) => r.code || '', cell: (r) => r.code || ''}]}),
  };
  const search = h('input', {type: 'search', id: `filter-${app.unique()}`, autocomplete: 'off', spellcheck: 'false', placeholder: t('requests.filter.hint'),
    on: {input: () => {
      filter = search.value.trim().toLowerCase();
      show();
    }}});
  const el = h('div.stack', null,
    h('div.section-head', null, h('label', {for: search.id}, t('requests.filter')), search),
    Object.keys(tables).map((name) => h('section.card', {'aria-label': t(`requests.${name}`)},
      h('div.card-head', null, h('h2', null, t(`requests.${name}`)), counts[name]), tables[name].el)));

  const matches = (r) => !filter || [r.client, r.model, r.id, r.outcome, r.code, r.priority].some((v) => v && String(v).toLowerCase().includes(filter));
  function show() {
    const s = app.state.get();
    if (!s)
      return;
    const rows = {waiting: all?.waiting ?? s.waiting, running: all?.running ?? s.running, recent: s.recent};
    for (const [name, list] of Object.entries(rows)) {
      const found = list.filter(matches);
      tables[name].set(found);
      const total = name === 'recent' ? list.length : Math.max(list.length, s.queue[name]);
      setText(counts[name], found.length < total ? t('requests.some', {n: found.length, of: total}) : fmt.num(total));
    }
  }
  async function askAll(s) {
    if (!(s.more.waiting > 0 || s.more.running > 0)) {
      all = null;
      return;
    }
    if (performance.now() - asked < EVERY_MS)
      return;
    asked = performance.now();
    try {
      all = await api.get('/api/queue');
    } catch {
      all = null;
    }
    if (shown)
      show();
  }
  return {
    el,
    update(s) {
      askAll(s);
      show();
    },
    show() {
      shown = true;
    },
    hide() {
      shown = false;
      all = null;
    },
  };
}
