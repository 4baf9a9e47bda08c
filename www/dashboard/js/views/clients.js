/* clients.js - who asks, how much, and what comes of it? */
import {card, h, meter} from '../dom.js';
import {createTable, marked, numbers} from '../table.js';
import {createDeeds} from '../deeds.js';
import {figures} from '../figures.js';

export function createClients(app) {
	const {text: {t, ...fmt}} = app;
	const fig = figures(app.text);
	const num = numbers(t);
	let total = 0;
	const column = key => ({...fig.find(r => r.key === key), better: 0, num: true, wide: !['requests', 'ok', 'queue95', 'in', 'out'].includes(key)});
	const table = createTable({caption: t('clients.title'), empty: t('clients.none'), sortBy: 'requests', descending: true, keyOf: c => c.name, t, columns: [
		{key: 'name', label: t('col.client'), value: c => c.name, cell: c => c.name, head: true, main: true},
		num('waiting', 'waiting', fmt.num), num('running', 'in_flight', fmt.num),
		{key: 'rate', label: t('col.minute'), num: true, value: c => c.used_per_min,
			cell: c => (c.requests_per_min ? t('clients.ofLimit', {n: c.used_per_min, max: c.requests_per_min}) : fmt.num(c.used_per_min))},
		{key: 'share', label: t('col.share'), num: true, value: c => c.requests, cell: c => share(c)},
		...['requests', 'ok', 'queue50', 'queue95', 'first50', 'speed50', 'prompt50', 'prompt95', 'in', 'out', 'told', 'streams', 'refused'].map(column),
		{key: 'trouble', label: t('col.trouble'), cell: c => trouble(c)},
		{key: 'last', label: t('fig.last'), num: true, wide: true, value: c => c.last_at, cell: c => fmt.clock(c.last_at || null)}]});

	function share(c) {
		const part = total ? (c.requests ?? 0) / total : 0;
		const bar = h('i');
		bar.style.transform = `scaleX(${part})`;
		return marked(part.toFixed(3), h('span.share', null, meter(bar), fmt.pct(part, 0)));
	}
	/* The commonest bad ends, the worst first. */
	function trouble(c) {
		const bad = Object.entries(c.outcomes ?? {}).filter(([kind, n]) => kind !== 'ok' && n > 0).sort((a, b) => b[1] - a[1]).slice(0, 3);
		return bad.length ? bad.map(([kind, n]) => `${t(`outcome.${kind}`)} ${fmt.compact(n)}`).join(', ') : t('clients.noTrouble');
	}
	const deeds = createDeeds(app, 'client');
	return {
		el: h('div.stack', null, card(t('clients.title'), h('p.card-note', null, t('clients.note')), table.el), deeds.head, deeds.one, deeds.all),
		update(s) {
			total = s.clients.reduce((a, c) => a + (c.requests ?? 0), 0);
			table.set(s.clients);
		},
		show: deeds.show, hide: deeds.hide, destroy: deeds.destroy,
	};
}
