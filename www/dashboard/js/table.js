/* table.js - how does a list become a table that sorts, keeps its rows and reads well?
 * columns: [{key, label, value(row) to sort by, cell(row) text or node, or of(values) that gives say(value) for all of the column, num: right-aligned,
 * wide: left out on narrow screens}].  still: while one points at a row, or has the focus in one, none moves: what is gone is greyed, what is new comes last. */
import {h, keyed, setAttr, setText, replace} from './dom.js';

export function createTable({caption, columns, keyOf, sortBy, descending = false, empty, rowClass, still = false, t}) {
	let sort = sortBy ? {key: sortBy, down: descending} : null;
	let rows = [];
	let says = [];
	let best = [];
	const marks = c => ['num', 'wide', 'act', 'main'].map(k => (c[k] ? `.${k}` : '')).join('');
	const heads = columns.map(c => {
		if (!c.value)
			return h(`th${marks({...c, main: 0})}`, {scope: 'col'}, c.label ?? '');
		const button = h('button.sort', {click: () => toggle(c)}, c.label, h('span.arrow', {'aria-hidden': 'true'}));
		return h(`th${marks({...c, main: 0})}`, {scope: 'col'}, button);
	});
	const body = h('tbody');
	const none = h('p.empty', {hidden: true}, empty ?? '');
	const table = h('table', null, h('caption.sr', null, caption), h('thead', null, h('tr', null, heads)), body);
	const el = h('div.table-frame', {tabindex: 0, role: 'region', 'aria-label': caption}, table, none);

	function toggle(c) {
		sort = sort?.key === c.key ? {key: c.key, down: !sort.down} : {key: c.key, down: Boolean(c.num)};
		show();
	}
	function ordered() {
		if (!sort)
			return rows;
		const {value} = columns.find(c => c.key === sort.key);
		const sign = sort.down ? -1 : 1;
		const gone = v => v === null || v === undefined || Number.isNaN(v);
		return rows.map((r, i) => [value(r), i, r]).sort((a, b) => {
			if (gone(a[0]) || gone(b[0]))
				return gone(a[0]) - gone(b[0]) || a[1] - b[1];
			const by = typeof a[0] === 'string' ? a[0].localeCompare(b[0]) : a[0] - b[0];
			return by ? sign * by : a[1] - b[1];
		}).map(x => x[2]);
	}
	function make(row) {
		return h('tr', null, columns.map(c =>
			h(`${c.head ? 'th' : 'td'}${marks(c)}`, {'data-label': c.label, scope: c.head ? 'row' : null}, c.act ? c.cell(row) : null)));
	}
	function change(tr, row) {
		setAttr(tr, 'class', rowClass?.(row));
		columns.forEach((c, i) => {
			if (c.act)
				return;
			const got = says[i] ? says[i](c.value(row)) : c.cell(row);
			const cell = tr.children[i];
			if (got instanceof Node) {
				if (cell.shown !== got.dataset.is || !cell.shown) {
					replace(cell, got);
					cell.shown = got.dataset.is;
				}
			} else {
				setText(cell, got);
			}
			if (c.better)
				cell.classList.toggle('best', rows.length > 1 && c.value(row) === best[i]);
		});
	}
	let over = false; /* a finger leaves no pointer there */
	let held = null; /* the rows as they were when they began to stand still, by key */
	function standing() {
		if (!still || !(over || body.querySelector(':focus-visible'))) {
			held = null;
			return ordered();
		}
		const now = new Map(ordered().map(r => [keyOf(r), r]));
		held = new Map([...(held ?? shown), ...now]);
		return [...held.values()];
	}
	let shown = new Map();
	function show() {
		heads.forEach((th, i) => {
			if (columns[i].value)
				setAttr(th, 'aria-sort', sort?.key === columns[i].key ? (sort.down ? 'descending' : 'ascending') : 'none');
		});
		says = columns.map(c => c.of?.(rows.map(c.value)));
		best = columns.map(c => c.better && rows.map(c.value).reduce((a, v) => (v !== null && v !== undefined && (a === null || (v - a) * c.better > 0) ? v : a), null));
		const list = standing();
		keyed(body, list, keyOf, make, change);
		shown = new Map(list.map(r => [keyOf(r), r]));
		if (still) {
			const here = new Set(rows.map(keyOf));
			[...body.children].forEach((tr, i) => setAttr(tr, 'data-gone', here.has(keyOf(list[i])) ? null : 'yes'));
		}
		none.hidden = list.length > 0;
		table.classList.toggle('is-empty', list.length === 0);
	}
	for (const event of still ? ['pointerenter', 'pointerleave', 'focusout'] : [])
		body.addEventListener(event, e => {
			over = event === 'pointerenter' ? e.pointerType !== 'touch' : over && event === 'focusout';
			if (held)
				requestAnimationFrame(show);
		});
	show();
	return {
		el,
		set(next, anew = false) {
			rows = next;
			if (anew)
				shown = held = new Map();
			show();
		},
	};
}

/* A column of what FIELD holds, as SAY says it: a function, or one of text.js' for what stands together. */
export const numbers = t => (key, field, say, wide) => ({key, label: t(`col.${key}`), num: true, wide, value: r => r[field], of: say.of ?? (() => say)});

/* A node for a cell that is made anew only when IS differs. */
export function marked(is, node) {
	node.dataset.is = is;
	return node;
}
