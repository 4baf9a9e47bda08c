/*
 * models.js - which models do the work, how well, and which of two is better?
 */
import {card, h, keyed, replace, setAttr, setText} from '../dom.js';
import {createTable, numbers} from '../table.js';
import {figures} from '../figures.js';
import {createWorth} from '../worth.js';

const CARD = ['ok', 'first50', 'speed50', 'queue50'];
const RANKS = ['requests', 'ok', 'first50', 'speed50', 'out'];

export function createModels(app) {
  const {text: {t, ...fmt}, act} = app;
  const fig = figures(app.text);
  const row = (key) => fig.rows.find((r) => r.key === key);
  const keyOf = (m) => `${m.upstream}/${m.name}`;
  const worth = createWorth(app);
  const num = numbers(t);
  let by = 'requests';
  let pair = [null, null];
  let models = [];
  let aliases;

  const rank = h('select', {id: `rank-${app.unique()}`, change: () => {
    by = rank.value;
    show();
  }}, RANKS.map((key) => h('option', {value: key}, row(key).label)));
  const cards = h('ol.model-cards');
  const none = h('p.empty', {hidden: true}, t('models.none'));
  const selects = [0, 1].map((i) => h('select', {'aria-label': t(i ? 'models.second' : 'models.first'), change: (e) => {
    pair[i] = e.target.value;
    compare();
  }}));
  const table = createTable({caption: t('models.all'), empty: t('models.none'), sortBy: 'requests', descending: true, keyOf, t, columns: [
    {key: 'name', label: t('col.model'), value: (m) => m.name, cell: (m) => m.name, head: true, main: true},
    num('waiting', 'waiting', fmt.num), num('running', 'in_flight', fmt.num),
    ...fig.rows.map((r) => ({key: r.key, label: r.label, num: true, value: r.value, cell: r.say,
      wide: !['requests', 'ok', 'first50', 'speed50'].includes(r.key)})),
    {key: 'last', label: t('fig.last'), num: true, wide: true, value: (m) => m.last_at, cell: (m) => fmt.clock(m.last_at || null)}]});
  const duel = h('tbody');
  const heads = [0, 1].map((i) => h('th', {scope: 'col'}, selects[i]));
  const el = h('div.stack', null,
    h('section', {'aria-label': t('models.ranked')},
      h('div.section-head', null, h('h2', null, t('models.ranked')), h('span.spring'), h('label', {for: rank.id}, t('models.by')), rank), cards, none),
    h('div.two', null,
      card(t('models.compare'),
        h('table.duel', null, h('caption.sr', null, t('models.compare')),
          h('thead', null, h('tr', null, h('th', {scope: 'col'}, h('span.sr', null, t('col.figure'))), heads)), duel)),
      worth.el),
    card(t('models.all'), table.el));

  function make(m) {
    const share = h('i');
    const state = h('p.model-state');
    const end = h('button.small', {click: () => act.clear({upstream: m.upstream, model: m.name})}, t('chip.end'),
      h('span.sr', null, ` ${m.name}`));
    return h('li.card.model', null, h('div.card-head', null, h('b.rank.num'), h('h3'), end),
      h('p.model-main', null, h('b.big'), ' ', h('span.faint')),
      h('div.meter', {'aria-hidden': 'true'}, share), state,
      h('dl.mini', null, CARD.map((key) => h('div', null, h('dt', null, row(key).label), h('dd.num')))));
  }
  function change(li, {m, place, of}) {
    const [head, main, meter, state, list] = li.children;
    setText(head.children[0], place);
    setText(head.children[1], m.name);
    setAttr(head.children[1], 'title', `${m.name} (${m.upstream})`);
    head.children[2].hidden = !m.bench;
    setText(main.children[0], fmt.compact(m.requests));
    setText(main.children[1], t('models.share', {n: m.requests ?? 0, share: fmt.pct(of ? (m.requests ?? 0) / of : 0, 0)}));
    meter.firstChild.style.transform = `scaleX(${of ? (m.requests ?? 0) / of : 0})`;
    const now = [m.bench ? t('chip.bench', {model: '', ends: fmt.count(m.bench.ends_s)}).replace(/^[\s:：]+/, '') : null,
      t('models.now', {waiting: m.waiting, running: m.in_flight}), m.ceiling ? t('models.ceiling', {n: m.ceiling}) : null,
      m.rest_s > 0 ? t('models.rest', {s: fmt.count(m.rest_s)}) : null, aka(m)];
    setText(state, now.filter(Boolean).join(' · '));
    setAttr(state, 'title', m.bench?.reason ?? null);
    li.classList.toggle('benched', Boolean(m.bench));
    CARD.forEach((key, i) => setText(list.children[i].lastChild, row(key).say(m)));
  }

  const aka = (m) => {
    const all = Object.keys(aliases).filter((name) => aliases[name] === m.name).join(', ');
    return all && t('models.also', {all});
  };
  function options() {
    const names = models.map((m) => m.name).sort();
    selects.forEach((select, i) => {
      if (!names.includes(pair[i]))
        pair[i] = ranked()[i]?.name ?? names[0] ?? '';
      if (select.dataset.names !== names.join('\n')) {
        select.dataset.names = names.join('\n');
        replace(select, names.map((n) => h('option', {value: n}, n)));
      }
      if (select.value !== pair[i])
        select.value = pair[i];
    });
  }
  function compare() {
    const two = pair.map((name) => models.find((m) => m.name === name));
    keyed(duel, two.every(Boolean) ? fig.rows : [], (r) => r.key,
      (r) => h('tr', null, h('th', {scope: 'row'}, r.label), h('td.num'), h('td.num')),
      (tr, r) => {
        const v = two.map(r.value);
        const ahead = r.better && v[0] !== null && v[1] !== null && v[0] !== v[1] ? (Math.sign(v[0] - v[1]) === r.better ? 0 : 1) : -1;
        two.forEach((m, i) => {
          const td = tr.children[i + 1];
          setText(td, r.say(m) + (ahead === i ? ' ★' : ''));
          td.classList.toggle('ahead', ahead === i);
        });
      });
  }
  function ranked() {
    const r = row(by);
    return models.slice().sort((a, b) => {
      const [x, y] = [r.value(a), r.value(b)];
      if (x === null || y === null || x === undefined || y === undefined)
        return (x ?? null) === (y ?? null) ? 0 : (x ?? null) === null ? 1 : -1;
      return r.better === -1 ? x - y : y - x;
    });
  }
  function show() {
    const of = models.reduce((a, m) => a + (m.requests ?? 0), 0);
    keyed(cards, ranked().slice(0, 8).map((m, i) => ({m, place: i + 1, of})), (x) => keyOf(x.m), (x) => make(x.m), change);
    none.hidden = models.length > 0;
    table.set(models);
    options();
    compare();
  }
  return {
    el,
    update(s) {
      ({models, aliases = {}} = s);
      worth.update(s);
      show();
    },
  };
}
