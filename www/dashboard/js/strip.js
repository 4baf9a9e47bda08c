/*
 * strip.js - the verdict in words, what follows from it, and what can be done
 *
 * The first thing on every view.  Its lines have their place always, so that
 * nothing below moves when a retreat begins.
 */
import {h, icon, keyed, replace, setAttr, setText} from './dom.js';
import {heldWhy} from './upstreams.js';
import {busiest, company, total, verdict} from './verdict.js';

const CHIPS_MAX = 5;
const ICONS = {fine: 'check', wait: 'clock', hold: 'pause', bad: 'bang'};

export function createVerdictStrip(app) {
  const {text: {t, ...fmt}, act, notices} = app;
  const mark = h('div.mark', {'aria-hidden': 'true'});
  const sentence = h('h1', null, t('verdict.connecting'));
  const more = h('p.more');
  const bar = h('i.bar-fill');
  const progress = h('div.hold-progress', {hidden: true}, bar);
  const pauseLabel = h('span');
  const pause = h('button', {disabled: true, click: togglePause}, pauseLabel);
  const end = h('button.primary', {hidden: true, click: () => act.clear(target)});
  const chips = h('ul.chips', {'aria-label': t('chips.label')});
  const el = h('section.verdict', {'aria-label': t('verdict.label'), 'data-tone': 'none'},
    h('div.verdict-row', null, mark, h('div.said', null, sentence, more), h('div.deeds', null, end, pause)), progress, chips);
  let target = {};
  let paused = false;

  async function togglePause() {
    pause.disabled = true;
    await (paused ? act.resume() : act.pause());
    pause.disabled = false;
  }

  /* Countdowns are whole seconds; a reason is the service's own words. */
  function said(v) {
    const values = {...v.values};
    for (const key of ['age', 'window'])
      if (key in values)
        values[key] = fmt.dur(values[key]);
    if ('ends' in values)
      values.ends = fmt.count(values.ends);
    values.why = values.cause && t(`held.${values.cause}`);
    if (values.kind)
      values.kind = t(`outcome.${values.kind}`);
    if (v.values.ends === null || v.values.ends === 0)
      return t(`verdict.${v.key}.open`, values);
    return t(`verdict.${v.key}`, values);
  }

  function follow(s, v) {
    const parts = [];
    const l = v.limit ?? busiest(s);
    const n = s.queue.waiting;
    if (n > 0 && ['paused', 'unpaid', 'held', 'holding', 'probing', 'recovering', 'nearlyFull'].includes(v.key))
      parts.push(t('more.waiting', {n}));
    const first = s.waiting.find((r) => r.position === 0) ?? s.waiting[0];
    if (first && first.eta_s !== null && first.eta_s !== undefined)
      parts.push(t('more.next', {client: first.client, eta: fmt.count(first.eta_s)}));
    if (l && l.eta_s !== null && l.eta_s !== undefined && !s.paused)
      parts.push(l.eta_s < 0.05 && !n ? t('more.atOnce') : t('more.eta', {eta: fmt.count(l.eta_s)}));
    if (n > 0 && s.queue.oldest_s !== null)
      parts.push(t('more.oldest', {age: fmt.count(s.queue.oldest_s)}));
    const of = l && company(s, l);
    if (!n && l)
      parts.push(t('more.free', {free: Math.max(0, total(of, 'requests') - total(of, 'window_used')), requests: total(of, 'requests')}));
    return parts.join(' · ');
  }

  function limitOf(s, upstream) {
    return s.limits.find((l) => l.upstream === upstream) ?? {requests: 0, window_s: 0};
  }
  /* What refusals have taught, beside what is set. */
  function learned(name, what, limit) {
    return t(`chip.learned.${what.kind}`, {name, n: what.requests, gap: fmt.count(what.gap_s), percent: what.refused_percent,
      window: fmt.count(limit.window_s), set: limit.requests, age: fmt.count(what.age_s)});
  }
  function conditions(s) {
    const out = [];
    for (const l of s.limits) {
      if (l.unpaid)
        out.push({key: `u${l.name}`, tone: 'hold', what: t('chip.unpaid', {name: l.name, why: heldWhy(t, l), ends: fmt.count(l.unpaid.ends_s)}), why: l.unpaid.reason,
          clear: {upstream: l.upstream}});
      if (l.retreat && l.retreat.state !== 'normal')
        out.push({key: `r${l.name}`, tone: 'hold', what: t(`chip.${l.retreat.state}`, {name: l.name, ends: fmt.count(l.retreat.ends_s),
          allowance: l.retreat.allowance}), why: l.retreat.reason, clear: {upstream: l.upstream, ...(l.name !== l.upstream && {model: l.name})}});
    }
    for (const l of s.limits)
      if (l.learned && l.learned.kind !== 'as_set')
        out.push({key: `l${l.name}`, tone: 'bench', what: learned(l.name, l.learned, l), why: '',
          adopt: l.name === l.upstream && l.learned.requests > 0 && l.learned.requests !== l.requests ? {upstream: l.upstream, learned: l.learned} : null});
    for (const m of s.models) {
      if (m.retreat && m.retreat.state !== 'normal')
        out.push({key: `m${m.upstream}/${m.name}`, tone: 'bench', what: t(`chip.${m.retreat.state}`, {name: m.name, ends: fmt.count(m.retreat.ends_s),
          allowance: m.retreat.allowance}), why: m.retreat.reason, clear: {upstream: m.upstream, model: m.name}});
      if (m.learned && m.learned.kind !== 'as_set')
        out.push({key: `n${m.upstream}/${m.name}`, tone: 'bench', what: learned(m.name, m.learned, limitOf(s, m.upstream)), why: ''});
    }
    for (const m of s.models)
      if (m.bench)
        out.push({key: `b${m.upstream}/${m.name}`, tone: 'bench', what: t('chip.bench', {model: m.name, ends: fmt.count(m.bench.ends_s)}),
          why: m.bench.reason, clear: {upstream: m.upstream, model: m.name}});
    const stalled = s.workers.filter((w) => w.stalled).length;
    if (stalled)
      out.push({key: 'w', tone: 'bad', what: t('chip.stalled', {n: stalled}), why: ''});
    if (out.length > CHIPS_MAX)
      out.splice(CHIPS_MAX - 1, Infinity, {key: 'more', tone: 'bench', what: t('chip.more', {n: out.length - CHIPS_MAX + 1}), why: ''});
    return out.length ? out : [{key: 'none', tone: 'none', what: t('chip.none'), why: ''}];
  }
  function makeChip(c) {
    const what = h('span');
    const why = h('span.why');
    const [what_, deed] = c.adopt ? ['adopt', () => act.adopt(c.adopt)] : ['end', () => act.clear(c.clear)];
    const button = (c.adopt || c.clear) && h('button.small', {click: deed}, t(`chip.${what_}`), h('span.sr', null, ` ${c.what.split(':')[0]}`));
    return h(`li.chip.tone-${c.tone}`, null, what, why, button);
  }

  return {
    el,
    update(s) {
      const v = verdict(s);
      const words = said(v);
      if (el.dataset.tone !== v.tone)
        replace(mark, icon(ICONS[v.tone]));
      setAttr(el, 'data-tone', v.tone);
      setText(sentence, words);
      setText(more, follow(s, v));
      setAttr(more, 'title', more.textContent);
      notices.announce(`${v.key}${v.tone}`, () => `${words} ${more.textContent}`);

      paused = Boolean(s.paused);
      setText(pauseLabel, t(paused ? 'act.resume' : 'act.pause'));
      pause.classList.toggle('primary', paused);
      if (!pause.dataset.ready) {
        pause.dataset.ready = 'yes';
        pause.disabled = false;
      }
      const endable = ['unpaid', 'held', 'holding', 'probing', 'recovering'].includes(v.key);
      end.hidden = !endable;
      setText(end, t('act.endHold'));
      target = endable ? {upstream: v.limit.upstream, ...(v.limit.name !== v.limit.upstream && {model: v.limit.name})} : {};
      const hold = v.key === 'holding' && v.values.ends > 0 ? v.limit.retreat : null;
      progress.hidden = !hold;
      if (hold)
        bar.style.transform = `scaleX(${hold.ends_s / Math.max(hold.ends_s, hold.ends_s + hold.age_s)})`;
      keyed(chips, conditions(s), (c) => c.key, makeChip, (li, c) => {
        setText(li.firstChild, c.what);
        setText(li.children[1], c.why);
        li.children[1].hidden = !c.why;
        setAttr(li, 'title', c.why || null);
      });
    },
  };
}
