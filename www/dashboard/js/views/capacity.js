/*
 * capacity.js - how much is used, how much was wanted, and what was turned away?
 *
 * Wanted = what was sent, what was refused and by how much the queue grew, per
 * minute of the range; the shortfall is what the quota lacks for it.
 */
import {card, fill, h, keyed, kinds, meter, setAttr, setText} from '../dom.js';
import {createChart} from '../chart.js';
import {createRangePicker} from '../range.js';
import {highest, sum} from '../history.js';
import {createUpstreams} from '../upstreams.js';
import {createWent} from '../went.js';

export function createCapacity(app) {
  const {text: {t, ...fmt}, history} = app;
  const group = new Set();
  const gauges = h('ul.gauges');
  const upstreams = createUpstreams(app);
  const range = createRangePicker(app);
  const sentence = h('p.lead');
  const facts = ['wanted', 'allowed', 'short', 'saturated', 'peak'].map((key) => [key, h('dd.num')]);
  const refusals = h('ul.kinds');
  const clean = h('p.empty', {hidden: true}, t('cap.noRefusal'));
  const usage = createChart(app, {label: t('cap.window'), say: fmt.compact, group, min: 4, tall: true, series: [
    {key: 'window_used', label: t('cap.used'), color: 'accent', kind: 'area'},
    {key: 'window_limit', label: t('cap.limit'), color: 'second', dash: [6, 4]}]});
  const demand = createChart(app, {label: t('cap.waiting'), say: fmt.compact, group, min: 4, tall: true, series: [
    {key: 'waiting', label: t('col.waiting'), color: 'accent', kind: 'area'},
    {key: 'refused', label: t('outcome.refused'), color: 'o-refused', kind: 'bars'}]});
  const went = createWent(app, group);
  const el = h('div.stack', null,
    upstreams.el, card(t('cap.now'), gauges),
    h('div.section-head', null, h('h2', null, t('cap.over')), range.el),
    h('div.two', null,
      card(t('cap.shortfall'), sentence,
        h('dl.facts', null, facts.map(([key, dd]) => h('div', null, h('dt', null, t(`cap.fact.${key}`)), dd)))),
      card(t('cap.refusals'), refusals, clean,
        h('p.card-note', null, t('cap.refusals.note')))),
    h('div.two', null, card(t('cap.window'), usage.el),
      card(t('cap.waiting'), demand.el)), went.el);
  let data = null;
  let unwatch = null;

  function now(s) {
    const out = [];
    const put = (key, name, n, of, say = fmt.num) => of > 0 && out.push({key: `${key}${name}`, label: t(`cap.gauge.${key}`, {name}).trim(),
      part: n / of, said: t('cap.gauge.of', {n: say(n), of: say(of)})});
    for (const l of s.limits) {
      const name = s.limits.length > 1 ? l.name : '';
      put('window', name, l.window_used, l.requests);
      if (l.burst > 0 && l.burst !== l.requests)
        put('bucket', name, l.burst - l.tokens, l.burst);
      put('flight', name, l.in_flight, l.in_flight_max);
      put('tokens', name, (l.tokens_used ?? 0) + (l.tokens_reserved ?? 0), l.tokens_limit ?? 0);
    }
    put('queue', '', s.queue.waiting, s.queue.max);
    put('held', '', s.queue.held_bytes ?? 0, s.queue.max_bytes ?? 0, fmt.bytes);
    for (const m of s.models)
      if (m.ceiling > 0)
        put('model', m.name, m.in_flight, m.ceiling);
    return out;
  }
  function makeGauge() {
    return h('li', null, h('span'), meter(h('i')), h('b.num'), h('span.faint.num'));
  }
  function changeGauge(li, g) {
    setText(li.children[0], g.label);
    fill(li.children[1].firstChild, Math.min(1, g.part));
    setText(li.children[2], fmt.pct(g.part, 0));
    setText(li.children[3], g.said);
    setAttr(li, 'data-full', g.part >= 0.9 ? 'yes' : null);
  }
  function shortfall(s) {
    const l = s.limits[0];
    if (!data?.t?.length || !l)
      return;
    const kept = data.sends.map((v, i) => i).filter((i) => data.sends[i] !== null);
    const minutes = (kept.length * data.step_s) / 60;
    if (!minutes)
      return;
    const grown = Math.max(0, (data.waiting[kept.at(-1)] ?? 0) - (data.waiting[kept[0]] ?? 0));
    const wanted = (sum(data.sends) + sum(data.refused) + grown) / minutes;
    const allowed = (l.requests / (l.window_s + (l.margin_s ?? 0))) * 60;
    const busy = kept.filter((i) => data.waiting[i] > 0).length / kept.length;
    const peak = highest(data.sends) / (data.step_s / 60);
    const said = {wanted: t('perMin', {n: round(wanted)}), allowed: t('perMin', {n: round(allowed)}),
      short: wanted > allowed ? t('perMin', {n: round(wanted - allowed)}) : t('cap.none'), saturated: fmt.pct(busy, 0),
      peak: data.step_s >= 60 ? t('perMin', {n: round(peak)}) : fmt.num(highest(data.window_used))};
    for (const [key, dd] of facts)
      setText(dd, said[key]);
    setText(sentence, wanted > allowed * 1.02 ? t('cap.lacks', {wanted: round(wanted), allowed: round(allowed), short: round(wanted - allowed)})
      : busy > 0.05 ? t('cap.tight', {busy: fmt.pct(busy, 0), allowed: round(allowed)})
        : t('cap.enough', {part: fmt.pct(wanted / allowed, 0), allowed: round(allowed)}));
  }
  const round = (n) => (n >= 10 ? Math.round(n) : Math.round(n * 10) / 10);

  return {
    el,
    update(s) {
      upstreams.update(s);
      keyed(gauges, now(s), (g) => g.key, makeGauge, changeGauge);
      const rows = Object.entries(s.counters.refused ?? {}).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]);
      kinds(refusals, rows, app.text, 'refusal', () => 'o-refused');
      clean.hidden = rows.length > 0;
      shortfall(s);
    },
    show() {
      unwatch = history.watch((d, failed) => {
        data = d;
        range.update();
        usage.set(d, failed);
        demand.set(d, failed);
        went.set(d, failed);
        if (app.state.get())
          shortfall(app.state.get());
      });
    },
    hide() {
      unwatch?.();
      unwatch = null;
    },
    destroy() {
      usage.destroy();
      demand.destroy();
      went.destroy();
    },
  };
}
