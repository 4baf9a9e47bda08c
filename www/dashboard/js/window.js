/* window.js - how full is the window, and when does each slot open again?  A cell drains until its slot opens; large limits put several into one. */
import {h, part, replace, setAttr, setText, setVar} from './dom.js';
import {columns, createSlots, perCell} from './slots.js';
import {allowed, busiest} from './verdict.js';

const KINDS = ['used', 'next', 'going', 'free', 'shut'];

export function createWindowCard(app) {
	const {text: {t, ...fmt}} = app;
	const slots = createSlots();
	const used = h('b.big');
	/* A cell says what it is where it is pointed at; all of it is in the grid's label. */
	const grid = h('div.slots', {role: 'img', pointerover: e => {
		const cell = cells.indexOf(e.target.closest('.slot'));
		if (cell >= 0)
			setAttr(cells[cell], 'title', says[cell]());
	}});
	const legend = h('p.legend.slot-legend', {'aria-hidden': 'true'}, KINDS.map(kind => h('span', null, h(`i.slot.${kind}`), t(`window.is.${kind}`))));
	const note = h('p.card-note.num');
	const facts = h('p.card-note.num');
	const choose = h('select', {'aria-label': t('window.which'), hidden: true});
	let picked = null;
	let cells = [];
	let says = [];
	let names = '';
	choose.addEventListener('change', () => {
		picked = choose.value || null;
		if (app.state.get())
			update(app.state.get());
	});

	function pick(s) {
		const now = s.limits.map(l => l.name).join('\n');
		if (now !== names) {
			names = now;
			replace(choose, h('option', {value: ''}, t('window.busiest')), s.limits.map(l => h('option', {value: l.name}, l.name)));
			choose.value = s.limits.some(l => l.name === picked) ? picked : '';
			choose.hidden = s.limits.length < 2;
		}
		return s.limits.find(l => l.name === picked) ?? busiest(s);
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
			return at.map(moment => (moment === null ? 0 : Math.min(1, Math.max(0.06, (moment - l.at) / whole))));
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
		const why = t(`word.${s.paused ? 'paused' : blocked ? 'hold' : l.retreat?.state === 'recovering' ? 'recovering' : 'learned'}`);
		const cap = blocked ? 0 : allowed(l);
		const next = level.reduce((best, v, i) => (v > 0 && (best < 0 || v < level[best]) ? i : best), -1);
		/* Sends that are open count as now: the fullest cells. */
		const fullest = size === 1 && l.open ? level.map((v, i) => [v, i]).sort((a, b) => b[0] - a[0]).slice(0, l.open).map(x => x[1]) : [];
		let free = Math.ceil(cap / size) - level.filter(v => v > 0).length;
		cells.forEach((cell, i) => {
			cell.firstChild.style.transform = `scaleY(${level[i].toFixed(3)})`;
			const kind = fullest.includes(i) && level[i] > 0.97 ? 'going' : level[i] > 0 ? (i === next && size === 1 ? 'next' : 'used') : free-- > 0 ? 'free' : 'shut';
			if (cell.className !== `slot ${kind}`)
				cell.className = `slot ${kind}`;
			says[i] = () => [t(`window.is.${kind}`), size === 1 && level[i] > 0 ? t('window.opensIn', {s: fmt.count(level[i] * (l.window_s + (l.margin_s ?? 0)))}) : null,
				kind === 'shut' ? why : null].filter(Boolean).join(': ');
		});
		const shut = Math.max(0, l.requests - Math.max(cap, l.window_used));
		setText(used, t('window.used', {used: l.window_used, requests: l.requests}));
		const soon = l.opens_s[0];
		const last = l.opens_s.at(-1);
		const say = l.window_used ? t('window.opens', {next: fmt.count(soon), all: fmt.count(last)}) : shut ? '' : t('window.empty');
		const barred = shut ? t('window.shut', {n: shut, why}) : null;
		setText(note, say);
		setText(facts, [t('window.rule', {requests: l.requests, window: fmt.dur(l.window_s)}),
			l.in_flight_max > 0 ? t('window.flightMax', {n: l.in_flight, max: l.in_flight_max}) : t('window.flight', {n: l.in_flight}),
			size > 1 ? t('window.size', {size}) : null, barred].filter(Boolean).join(' · '));
		setAttr(grid, 'aria-label', [used.textContent, say, barred].filter(Boolean).join('. '));
	}
	return {
		el: part('section.card.window', t('window.title'), [choose, used], grid, legend, note, facts),
		update,
	};
}
