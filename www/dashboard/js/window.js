/*
 * window.js - how full is the window, and when does each slot open again?
 *
 * A cell for each slot: full when the request was sent, draining until it
 * opens.  Hatched: granted, not yet on the wire.  The one that opens next has
 * a ring.  Large limits put several slots into a cell.
 */
import {h, part, replace, setAttr, setText, setVar} from './dom.js';
import {columns, createSlots, perCell} from './slots.js';
import {busiest} from './verdict.js';

export function createWindowCard(app) {
  const {text: {t, ...fmt}} = app;
  const slots = createSlots();
  const used = h('b.big');
  const grid = h('div.slots', {role: 'img'});
  const note = h('p.card-note.num');
  const facts = h('p.card-note.num');
  const choose = h('select', {'aria-label': t('window.which'), hidden: true});
  let picked = null;
  let cells = [];
  let names = '';
  choose.addEventListener('change', () => {
    picked = choose.value || null;
    if (app.state.get())
      update(app.state.get());
  });

  function pick(s) {
    const now = s.limits.map((l) => l.name).join('\n');
    if (now !== names) {
      names = now;
      replace(choose, h('option', {value: ''}, t('window.busiest')), s.limits.map((l) => h('option', {value: l.name}, l.name)));
      choose.value = s.limits.some((l) => l.name === picked) ? picked : '';
      choose.hidden = s.limits.length < 2;
    }
    return s.limits.find((l) => l.name === picked) ?? busiest(s);
  }
  function lay(count) {
    if (cells.length === count)
      return;
    cells = Array.from({length: count}, () => h('div.slot', null, h('i')));
    replace(grid, cells);
    setVar(grid, '--columns', columns(count));
    grid.classList.toggle('few', count <= 20);
  }

  /* How full each cell is: 0 open, 1 just used; null: not on the wire yet. */
  function levels(l, count, size) {
    const whole = l.window_s + (l.margin_s ?? 0);
    if (size === 1) {
      const at = slots.place(count, l.opens_s, l.at);
      return at.map((moment) => (moment === null ? 0 : Math.min(1, Math.max(0.06, (moment - l.at) / whole))));
    }
    return Array.from({length: count}, (_, i) => Math.min(1, Math.max(0, l.window_used / size - i)));
  }

  function update(s) {
    const l = pick(s);
    if (!l)
      return;
    const size = perCell(l.requests);
    const count = Math.ceil(l.requests / size);
    lay(count);
    const level = levels({...l, at: s.time}, count, size);
    const blocked = s.paused || l.unpaid || l.retreat?.state === 'holding';
    const next = level.reduce((best, v, i) => (v > 0 && (best < 0 || v < level[best]) ? i : best), -1);
    /* Sends that are open count as now: the fullest cells. */
    const fullest = size === 1 && l.open ? level.map((v, i) => [v, i]).sort((a, b) => b[0] - a[0]).slice(0, l.open).map((x) => x[1]) : [];
    cells.forEach((cell, i) => {
      cell.firstChild.style.transform = `scaleY(${level[i].toFixed(3)})`;
      const kind = fullest.includes(i) && level[i] > 0.97 ? 'slot going' : level[i] > 0 ? (i === next && size === 1 ? 'slot next' : 'slot used')
        : blocked ? 'slot shut' : 'slot';
      if (cell.className !== kind)
        cell.className = kind;
    });
    setText(used, t('window.used', {used: l.window_used, requests: l.requests}));
    const soon = l.opens_s[0];
    const last = l.opens_s.at(-1);
    const say = l.window_used ? t('window.opens', {next: fmt.count(soon), all: fmt.count(last)}) : t('window.empty');
    setText(note, say);
    setText(facts, [t('window.rule', {requests: l.requests, window: fmt.dur(l.window_s)}),
      l.in_flight_max > 0 ? t('window.flightMax', {n: l.in_flight, max: l.in_flight_max}) : t('window.flight', {n: l.in_flight}),
      size > 1 ? t('window.size', {size}) : null].filter(Boolean).join(' · '));
    setAttr(grid, 'aria-label', `${used.textContent}. ${say}`);
  }
  return {
    el: part('section.card.window', t('window.title'), [choose, used], grid, note, facts),
    update,
  };
}
