/*
 * now.js - who waits, what does the window do, who goes next, how did it go?
 *
 * The first screen: it answers without scrolling; each card leads on.
 */
import {h} from '../dom.js';
import {createChart} from '../chart.js';
import {createRangePicker} from '../range.js';
import {createQueueCard} from '../queue.js';
import {createWindowCard} from '../window.js';
import {createNextCard} from '../next.js';
import {createUpstreams} from '../upstreams.js';

export function createNow(app) {
  const {text: {t, ...fmt}, history} = app;
  const group = new Set();
  const cards = [createQueueCard(app), createWindowCard(app), createNextCard(app)];
  const upstreams = createUpstreams(app);
  const count = (v) => fmt.compact(v);
  const charts = [
    ['now.sends', createChart(app, {label: t('now.sends'), say: count, group, min: 2, series: [
      {key: 'sends', label: t('col.sends'), color: 'accent', kind: 'bars'}]})],
    ['now.waiting', createChart(app, {label: t('now.waiting'), say: count, group, min: 4, series: [
      {key: 'waiting', label: t('col.waiting'), color: 'accent', kind: 'area'},
      {key: 'in_flight', label: t('col.running'), color: 'second', dash: [5, 3]}]})],
    ['now.latency', createChart(app, {label: t('now.latency'), say: fmt.dur, isTime: true, group, min: 1, series: [
      {key: 'queue_p95', label: t('col.queue95'), color: 'accent', bridge: true, kind: 'line'},
      {key: 'first_byte_p50', label: t('col.first50'), color: 'second', bridge: true, dash: [5, 3]},
      {key: 'first_byte_p95', label: t('col.first95'), color: 'third', bridge: true, dash: [1, 3]}]})],
  ];
  const range = createRangePicker(app);
  const el = h('div.now', null,
    h('div.cards', null, cards.map((c) => c.el)), upstreams.el,
    h('section.timeline', {'aria-label': t('now.timeline')},
      h('div.section-head', null, h('h2', null, t('now.timeline')), range.el),
      h('div.charts', null, charts.map(([key, c]) => h('div.card', null, h('h3', null, t(key)), c.el)))));
  let unwatch = null;

  return {
    el,
    update: (s) => [...cards, upstreams].forEach((c) => c.update(s)),
    show() {
      unwatch = history.watch((d, failed) => {
        range.update();
        charts.forEach(([, c]) => c.set(d, failed));
      });
    },
    hide() {
      unwatch?.();
      unwatch = null;
    },
    destroy: () => charts.forEach(([, c]) => c.destroy()),
  };
}
