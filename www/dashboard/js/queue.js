/*
 * queue.js - how many wait in each class, and since when?
 *
 * One bar a class, on one scale that only moves between round numbers; 300 ms
 * for every change.
 */
import {h, part, setAttr, setText} from './dom.js';

const CLASSES = ['high', 'normal', 'low'];
const SCALES = [10, 25, 50, 100, 250, 500, 1000, 2500, 5000];

export function createQueueCard(app) {
  const {text: {t, ...fmt}} = app;
  const total = h('b.big', null, '0');
  const note = h('p.card-note.num');
  const top = h('span.scale-top.num', {'aria-hidden': 'true'});
  const bars = CLASSES.map((name) => {
    const fill = h('i', {'data-class': name});
    const number = h('b.num');
    const since = h('span.num');
    const el = h('li.lane', null, number, h(`div.well.${name}`, {'aria-hidden': 'true'}, fill),
      h('span.name', null, t(`class.${name}`)), h('span.faint', {title: t('queue.since')}, h('span.sr', null, t('queue.since'), ' '), since));
    return {name, el, fill, number, since};
  });
  let scale = SCALES[0];

  /* Up at once, down only when there is much room. */
  function fit(n) {
    const need = SCALES.find((s) => s >= n) ?? n;
    if (need > scale || n < scale * 0.3)
      scale = need;
    return scale;
  }
  return {
    el: part('section.card.queue', t('queue.title'), total,
      h('div.bar-area', null, top, h('ul.lanes', null, bars.map((b) => b.el))), note),
    update(s) {
      const {classes} = s.queue;
      const max = fit(Math.max(...CLASSES.map((c) => classes[c].waiting)));
      setText(top, fmt.num(max));
      setText(total, fmt.num(s.queue.waiting));
      for (const b of bars) {
        const {waiting, oldest_s: oldest} = classes[b.name];
        b.fill.style.transform = `scaleY(${waiting / max})`;
        setText(b.number, fmt.num(waiting));
        setText(b.since, waiting ? fmt.count(oldest) : t('queue.nobody'));
        setAttr(b.el, 'data-waiting', waiting);
      }
      setText(note, t('queue.room', {n: s.queue.waiting, max: s.queue.max, held: fmt.bytes(s.queue.held_bytes ?? 0),
        most: fmt.bytes(s.queue.max_bytes)}));
    },
  };
}
