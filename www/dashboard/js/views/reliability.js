/*
 * reliability.js - do requests come to a good end, where does time go, and when is it busy?
 *
 * Availability counts what was ours or the upstream's to get right; a client
 * that erred, hung up or was cancelled is on neither side.
 */
import {card, fill, h, kinds, part, setAttr, setText, tint} from '../dom.js';
import {createChart} from '../chart.js';
import {createRangePicker} from '../range.js';
import {createWeek} from '../week.js';
import {sum} from '../history.js';

export const OUTCOMES = ['ok', 'client_error', 'hangup', 'cancelled', 'refused', 'rate', 'off', 'upstream_error', 'truncated', 'lost'];
const FAILED = ['refused', 'rate', 'off', 'upstream_error', 'truncated', 'lost'];
const COLORS = {ok: 'accent', client_error: 'o-client', hangup: 'o-hangup', cancelled: 'o-cancelled', refused: 'o-refused', rate: 'o-rate',
  off: 'o-off', upstream_error: 'o-upstream', truncated: 'o-truncated', lost: 'o-lost'};
const OBJECTIVES = [0.9, 0.95, 0.99, 0.995, 0.999];
const PARTS = [['queue', 'accent'], ['first_byte', 'second'], ['generation', 'third']];

export function createReliability(app) {
  const {text: {t, ...fmt}, history, prefs} = app;
  const group = new Set();
  let objective = prefs.get('objective', 0.99);
  let data = null;
  const range = createRangePicker(app);
  const percent = h('b.huge.num');
  const line = h('p.num');
  const budget = h('i');
  const spent = h('p.card-note.num');
  const choose = h('select', {id: `objective-${app.unique()}`, change: () => {
    objective = Number(choose.value);
    prefs.set('objective', objective);
    tell();
  }}, OBJECTIVES.map((o) => h('option', {value: o, selected: o === objective}, fmt.pct(o))));
  const parts = PARTS.map(([key, color]) => ({key, fill: tint(h('i'), color), dd: h('dd.num')}));
  const wrong = h('ul.kinds');
  const clean = h('p.empty', {hidden: true}, t('rel.clean'));
  const tokens = h('dl.facts');
  const facts = ['requests', 'success', 'in', 'out'].map((key) => {
    const dd = h('dd.num');
    tokens.append(h('div', null, h('dt', null, t(`rel.fact.${key}`)), dd));
    return [key, dd];
  });
  const outcomes = createChart(app, {label: t('rel.outcomes'), say: fmt.compact, stacked: true, total: true, tall: true, group, min: 2,
    series: OUTCOMES.slice().reverse().map((key) => ({key, label: t(`outcome.${key}`), color: COLORS[key], kind: 'bars'}))});
  const halves = (key, of, say, isTime) => createChart(app, {label: t(`rel.${key}`), say, isTime, group, min: 1, series: [
    {key: `${of}_p50`, label: 'p50', color: 'accent', bridge: true, kind: 'line'}, {key: `${of}_p95`, label: 'p95', color: 'second', bridge: true, dash: [5, 3]}]});
  const first = halves('first', 'first_byte', fmt.dur, true);
  const speed = halves('speed', 'speed', fmt.rate);
  const queue = halves('queue', 'queue', fmt.dur, true);
  const charts = [outcomes, first, speed, queue];
  const week = createWeek(app);

  const el = h('div.stack', null,
    h('div.section-head', null, h('h2', null, t('nav.reliability')), range.el),
    h('div.three', null,
      part('section.card', t('rel.availability'), [h('label', {for: choose.id}, t('rel.objective')), choose],
        percent, line, h('div.meter.budget', {'aria-hidden': 'true'}, budget), spent, tokens),
      card(t('rel.time'), h('div.stackbar', {'aria-hidden': 'true'}, parts.map((p) => p.fill)),
        h('dl.facts.rows', null, parts.map((p, i) => h('div', null, h('dt', null, tint(h('i.swatch.bars'), PARTS[i][1]), t(`rel.time.${p.key}`)), p.dd))),
        h('p.card-note', null, t('rel.time.note'))),
      card(t('rel.kinds'), wrong, clean)),
    card(t('rel.outcomes'), outcomes.el),
    h('div.three', null, card(t('rel.first'), first.el), card(t('rel.speed'), speed.el), card(t('rel.queue'), queue.el)),
    card(t('rel.week'), week.el));
  let unwatch = null;

  function tell() {
    if (!data)
      return;
    const n = Object.fromEntries(OUTCOMES.map((key) => [key, sum(data[key])]));
    const failed = FAILED.reduce((a, key) => a + n[key], 0);
    const counted = n.ok + failed;
    const got = counted ? n.ok / counted : null;
    const allowed = (1 - objective) * counted;
    setText(percent, got === null ? fmt.missing : fmt.pct(got));
    setAttr(percent, 'data-met', got === null ? null : String(got >= objective));
    setText(line, counted ? t(got >= objective ? 'rel.met' : 'rel.missed', {objective: fmt.pct(objective), n: counted, failed}) : t('rel.nothing'));
    fill(budget, counted ? Math.min(1, failed / Math.max(allowed, 1e-9)) : 0);
    budget.classList.toggle('over', failed > allowed);
    setText(spent, counted ? t('rel.budget', {failed, allowed: Math.floor(allowed), part: fmt.pct(allowed ? failed / allowed : failed ? 9.99 : 0, 0)}) : '');

    const times = PARTS.map(([key]) => sum(data[`${key}_s`]));
    const all = times.reduce((a, b) => a + b, 0);
    PARTS.forEach(([key], i) => {
      const many = sum(data[`${key}_n`]);
      parts[i].fill.style.flexGrow = all ? String(times[i] / all) : '0';
      setText(parts[i].dd, all ? t('rel.time.part', {share: fmt.pct(times[i] / all, 0), mean: fmt.dur(many ? times[i] / many : 0)}) : fmt.missing);
    });
    const bad = Object.entries(n).filter(([key, many]) => key !== 'ok' && many > 0).sort((a, b) => b[1] - a[1]);
    kinds(wrong, bad, app.text, 'outcome', (key) => COLORS[key]);
    clean.hidden = bad.length > 0;
    const requests = sum(data.requests);
    const said = {requests: fmt.compact(requests), success: requests ? fmt.pct(n.ok / requests) : fmt.missing, in: fmt.compact(sum(data.tokens_in)),
      out: fmt.compact(sum(data.tokens_out))};
    for (const [key, dd] of facts)
      setText(dd, said[key]);
  }
  return {
    el,
    show() {
      unwatch = history.watch((d, failed) => {
        data = d;
        range.update();
        charts.forEach((c) => c.set(d, failed));
        tell();
      });
      week.show();
    },
    hide() {
      unwatch?.();
      unwatch = null;
      week.hide();
    },
    destroy: () => charts.forEach((c) => c.destroy()),
  };
}
