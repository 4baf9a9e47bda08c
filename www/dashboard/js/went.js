/*
 * went.js - where did requests go over the chosen range?
 *
 * Sends of each upstream and each key, stacked, by the name it had then; below,
 * the same in numbers with what it refused and its tokens.  Not shown where
 * there is one.
 */
import {card, h} from './dom.js';
import {createChart} from './chart.js';
import {sum} from './history.js';
import {createTable} from './table.js';

const COLORS = ['accent', 'o-refused', 'o-off', 'second', 'o-truncated', 'o-client', 'o-rate', 'o-lost'];

export function createWent(app, group) {
  const {text: {t, ...fmt}} = app;
  const room = h('div');
  const count = (key, label, field, say = fmt.compact) => ({key, label, num: true, value: (r) => r[field], cell: (r) => say(r[field])});
  const table = createTable({caption: t('cap.went'), sortBy: 'sends', descending: true, keyOf: (r) => r.name, t, columns: [
    {key: 'name', label: t('col.where'), value: (r) => r.name, cell: (r) => r.name, head: true, main: true},
    count('sends', t('col.sends'), 'sends', fmt.num), count('share', t('col.share'), 'share', (v) => fmt.pct(v, 0)),
    count('refused', t('cap.went.refused'), 'refused', fmt.num), count('in', t('col.tokensIn'), 'tokens_in'), count('out', t('col.tokensOut'), 'tokens_out')]});
  const el = card(t('cap.went'), room, table.el);
  let chart = null;
  let shown = '';
  el.hidden = true;

  function sums(d) {
    const rows = Object.entries(d.upstreams).map(([name, of]) =>
      ({name, ...Object.fromEntries(Object.entries(of).map(([key, column]) => [key, sum(column)]))}));
    const all = sum(rows.map((r) => r.sends));
    return rows.map((r) => ({...r, share: all ? r.sends / all : 0}));
  }
  /* As many as can be told apart; the rest, those with the fewest, is one. */
  function parts(d, rows) {
    const some = rows.length > COLORS.length ? rows.toSorted((a, b) => b.sends - a.sends).slice(0, COLORS.length - 1) : rows;
    const names = some.map((r) => r.name).sort();
    const rest = rows.filter((r) => !some.includes(r)).map((r) => d.upstreams[r.name].sends);
    const columns = names.map((name) => d.upstreams[name].sends);
    return rest.length ? [[...names, null], [...columns, rest[0].map((v, i) => (v === null ? v : rest.reduce((a, c) => a + c[i], 0)))]] : [names, columns];
  }
  function draw(d, failed) {
    const [names, columns] = parts(d, sums(d));
    if (shown !== names.join()) {
      chart?.destroy();
      chart = createChart(app, {label: t('cap.went'), say: fmt.compact, stacked: true, total: true, tall: true, group, min: 2, series: names.map((name, i) =>
        ({key: `went ${i}`, label: name ?? t('cap.went.others'), color: COLORS[i], kind: 'bars'})).reverse()});
      room.replaceChildren(chart.el);
      shown = names.join();
    }
    chart.set({t: d.t, step_s: d.step_s, ...Object.fromEntries(columns.map((c, i) => [`went ${i}`, c]))}, failed);
  }
  return {
    el,
    set(d, failed) {
      el.hidden = Object.keys(d?.upstreams ?? {}).length < 2;
      if (el.hidden)
        return;
      draw(d, failed);
      table.set(sums(d));
    },
    destroy: () => chart?.destroy(),
  };
}
