/* requests.js - which requests wait, run and ended lately; and end one of them.  All of them are asked for only while this view is open. */
import {h, part, setText} from '../dom.js';
import {createTable, marked, numbers} from '../table.js';
import {isFailure} from '../verdict.js';

const EVERY_MS = 2000;

export function createRequests(app) {
	const {text: {t, ...fmt}, act, api} = app;
	const counts = {waiting: h('span.count'), running: h('span.count'), recent: h('span.count')};
	let filter = '';
	let all = null;
	let asked = 0;
	let shown = false;
	let unwatch = null;

	/* One that is cancelled can be taken back for a while, with the same button. */
	const cancel = {key: 'cancel', label: t('col.action'), act: true, cell: r => h('button.small', {'data-id': r.id, click: () => (act.left(r.id) === null ? act.cancel(r.id) : act.undo(r.id))},
		h('span', null, t('act.cancel')), h('span.sr', null, ` ${r.id}`))};
	function marks() {
		for (const button of el.querySelectorAll('button[data-id]')) {
			const left = act.left(button.dataset.id);
			setText(button.firstChild, left === null ? t('act.cancel') : t('act.undo', {s: left}));
			button.classList.toggle('undo', left !== null);
		}
	}
	const cause = {key: 'cause', label: t('col.cause'), value: r => r.cause, cell: r => (r.cause ? t(`word.${r.cause}`) : fmt.missing)};
	const client = {key: 'client', label: t('col.client'), value: r => r.client, cell: r => r.client, main: true};
	const model = {key: 'model', label: t('col.model'), value: r => r.model, cell: r => r.model || fmt.missing};
	const kind = {key: 'priority', label: t('col.class'), value: r => ['high', 'normal', 'low'].indexOf(r.priority),
		cell: r => marked(r.priority, h(`span.tag.${r.priority}`, null, t(`class.${r.priority}`)))};
	const num = numbers(t);
	const age = num('age', 'age_s', fmt.count);
	const size = num('size', 'body_bytes', fmt.bytes, true);
	const id = {key: 'id', label: t('col.id'), wide: true, cell: r => r.id};
	const stream = {key: 'stream', label: t('col.stream'), wide: true, value: r => (r.stream ? 1 : 0), cell: r => t(r.stream ? 'yes' : 'no')};

	const where = {key: 'where', label: t('col.where'), wide: true, value: r => where.cell(r), cell: r => r.upstreams?.join(', ') ?? r.limit};

	const tables = {
		waiting: createTable({caption: t('requests.waiting'), empty: t('next.nobody'), sortBy: 'place', keyOf: r => r.id, still: true, t, columns: [
			num('place', 'position', fmt.num),
			client, model, where, kind, cause, age,
			num('eta', 'eta_s', v => (v === null ? t('next.unknown') : fmt.count(v))),
			size, stream, id, cancel]}),
		running: createTable({caption: t('requests.running'), empty: t('requests.noneRuns'), sortBy: 'age', descending: true, keyOf: r => r.id, still: true, t,
			columns: [client, model, where, kind, age, size, stream, id, cancel]}),
		recent: createTable({caption: t('requests.recent'), empty: t('requests.noneEnded'), keyOf: r => `${r.id}@${r.at}`, still: true, t,
			rowClass: r => (isFailure(r.outcome) ? 'failed' : null), columns: [
				{key: 'at', label: t('col.at'), value: r => r.at, cell: r => fmt.clock(r.at)},
				client, model,
				{key: 'outcome', label: t('col.outcome'), value: r => r.outcome, cell: r => marked(`${r.outcome}${r.status}`,
					h(`span.outcome.${r.outcome}`, {title: r.code || null}, t(`outcome.${r.outcome}`), ' ', h('span.faint.num', null, r.status)))},
				num('queue', 'queue_s', fmt.times), num('first', 'first_byte_s', fmt.times), num('total', 'total_s', fmt.times), num('attempts', 'attempts', fmt.num, true),
				num('tokensIn', 'tokens_in', fmt.counts, true), num('tokensOut', 'tokens_out', fmt.counts, true),
				{key: 'code', label: t('col.code'), wide: true, value: r => r.code || '', cell: r => r.code || ''}]}),
	};
	const search = h('input', {type: 'search', id: `filter-${app.unique()}`, autocomplete: 'off', spellcheck: 'false', placeholder: t('requests.filter.hint'),
		input: () => {
			filter = search.value.trim().toLowerCase();
			show(true);
		}});
	const el = h('div.stack', null,
		h('div.section-head', null, h('label', {for: search.id}, t('requests.filter')), search),
		Object.keys(tables).map(name => part('section.card', t(`requests.${name}`), counts[name], tables[name].el)));

	const matches = r => !filter || [r.client, r.model, r.id, r.outcome, r.code, r.priority, ...r.upstreams ?? [r.limit]].some(v => v && String(v).toLowerCase().includes(filter));
	function show(anew) {
		const s = app.state.get();
		if (!s)
			return;
		const rows = {waiting: all?.waiting ?? s.waiting, running: all?.running ?? s.running, recent: s.recent};
		for (const [name, list] of Object.entries(rows)) {
			const found = list.filter(matches);
			tables[name].set(found, anew);
			const total = name === 'recent' ? list.length : Math.max(list.length, s.queue[name]);
			setText(counts[name], found.length < total ? t('requests.some', {n: found.length, of: total}) : fmt.num(total));
		}
		marks();
	}
	async function askAll(s) {
		if (!(s.more.waiting > 0 || s.more.running > 0)) {
			all = null;
			return;
		}
		if (performance.now() - asked < EVERY_MS)
			return;
		asked = performance.now();
		try {
			all = await api.get('/api/queue');
		} catch {
			all = null;
		}
		if (shown)
			show();
	}
	return {
		el,
		update(s) {
			askAll(s);
			show();
		},
		show() {
			shown = true;
			unwatch = act.watch(marks);
		},
		hide() {
			shown = false;
			all = null;
			unwatch?.();
		},
	};
}
