/* queue.js - how many wait in each class, since when, and for what?  Each line keeps its place. */
import {fill, h, keyed, part, setAttr, setText} from './dom.js';
import {groups} from './say.js';

const CLASSES = ['high', 'normal', 'low'];
const SCALES = [10, 25, 50, 100, 250, 500, 1000, 2500, 5000];
const CAUSES_MAX = 3;

export function createQueueCard(app) {
	const {text} = app;
	const {t, ...fmt} = text;
	const total = h('b.big');
	const note = h('p.card-note.num');
	const bars = CLASSES.map(name => {
		const bar = h('i', {'data-class': name});
		const number = h('b.num');
		const since = h('span.num');
		const el = h('li.lane', null, h('span.name', null, t(`class.${name}`)), number, h(`div.well.${name}`, {'aria-hidden': 'true'}, bar),
			h('span.faint', {title: t('queue.since')}, h('span.sr', null, t('queue.since'), ' '), since));
		return {name, el, bar, number, since};
	});
	const why = h('ul.causes', {'aria-label': t('queue.why')});
	let scale = SCALES[0];

	/* Up at once, down only when there is much room. */
	function fit(n) {
		const need = SCALES.find(s => s >= n) ?? n;
		if (need > scale || n < scale * 0.3)
			scale = need;
		return scale;
	}
	function change(li, g) {
		const say = s => (Number.isFinite(s) ? fmt.count(s) : null);
		const [next, last] = [say(g.next), say(g.last)];
		setText(li.firstChild, fmt.num(g.n));
		setText(li.lastChild, `${g.phrase} · ${g.n > 1 && last ? t('cause.etas', {next, last}) : next ? t('next.in', {eta: next}) : t('next.unknown')}`);
		setAttr(li, 'title', li.lastChild.textContent);
	}
	return {
		el: part('section.card.queue', t('queue.title'), total, h('ul.lanes', null, bars.map(b => b.el)), why, note),
		update(s) {
			const {classes} = s.queue;
			const max = fit(Math.max(...CLASSES.map(c => classes[c].waiting)));
			setText(total, fmt.num(s.queue.waiting));
			for (const b of bars) {
				const {waiting, oldest_s: oldest} = classes[b.name];
				fill(b.bar, waiting / max);
				setText(b.number, fmt.num(waiting));
				setText(b.since, waiting ? fmt.count(oldest) : t('queue.nobody'));
				setAttr(b.el, 'data-waiting', waiting);
			}
			const all = groups(text, s);
			if (all.length > CAUSES_MAX) {
				const rest = all.splice(CAUSES_MAX - 1);
				all.push({key: 'rest', n: rest.reduce((n, g) => n + g.n, 0), phrase: t('cause.others'), next: Math.min(...rest.map(g => g.next ?? Infinity))});
			}
			keyed(why, all, g => g.key, () => h('li', null, h('b.num'), h('span.num')), change);
			setText(note, t('queue.room', {n: s.queue.waiting, max: s.queue.max, held: fmt.bytes(s.queue.held_bytes ?? 0),
				most: fmt.bytes(s.queue.max_bytes)}));
		},
	};
}
