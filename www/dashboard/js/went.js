/* went.js - whose were the requests: which upstream's over the chosen range, which model's or client's lately? */
import {card, h} from './dom.js';
import {createChart} from './chart.js';
import {sum} from './history.js';
import {createTable, numbers} from './table.js';

const COLORS = ['accent', 'o-refused', 'o-off', 'second', 'o-truncated', 'o-client', 'o-rate', 'o-lost'];

export function createWent(app, group, whose = 'upstream') {
	const {text: {t, ...fmt}} = app;
	const isUpstream = whose === 'upstream';
	const title = t(`went.${whose}`);
	const room = h(`div.of-${whose}`);
	const num = numbers(t);
	const table = isUpstream && createTable({caption: title, sortBy: 'sends', descending: true, keyOf: (r) => r.name, t, columns: [
		{key: 'name', label: t('col.where'), value: (r) => r.name, cell: (r) => r.name, head: true, main: true},
		num('sends', 'sends', fmt.num), num('share', 'share', (v) => fmt.pct(v, 0)), {...num('refused', 'refused', fmt.num), label: t('cap.went.refused')},
		num('tokensIn', 'tokens_in', fmt.counts), num('tokensOut', 'tokens_out', fmt.counts),
		{key: 'told', label: t('fig.told'), num: true, cell: (r) => (r.answers ? t('requests.some', {n: r.answers_told, of: r.answers}) : fmt.missing)}]});
	const el = card(title, !isUpstream && h('p.card-note', null, t('went.seen')), room, table && table.el);
	let chart = null;
	let shown = '';
	el.hidden = true;

	const past = (d) => (isUpstream ? d?.upstreams : d?.of) ?? {};
	const many = (of) => (isUpstream ? of.sends : of);
	function sums(d) {
		const rows = Object.entries(past(d)).map(([name, of]) =>
			({name, many: sum(many(of)), ...Object.fromEntries(isUpstream ? Object.entries(of).map(([key, column]) => [key, sum(column)]) : [])}));
		const all = sum(rows.map((r) => r.many));
		return rows.map((r) => ({...r, share: all ? r.many / all : 0}));
	}
	/* As many as can be told apart; the rest, those with the fewest, is one. */
	function parts(d, rows) {
		const some = rows.length > COLORS.length ? rows.toSorted((a, b) => b.many - a.many).slice(0, COLORS.length - 1) : rows;
		const names = some.map((r) => r.name).sort();
		const rest = rows.filter((r) => !some.includes(r)).map((r) => many(past(d)[r.name]));
		const columns = names.map((name) => many(past(d)[name]));
		return rest.length ? [[...names, null], [...columns, rest[0].map((v, i) => (v === null ? v : rest.reduce((a, c) => a + c[i], 0)))]] : [names, columns];
	}
	function draw(d, failed) {
		const [names, columns] = parts(d, sums(d));
		if (shown !== names.join()) {
			chart?.destroy();
			chart = createChart(app, {label: title, unit: fmt.counts, stacked: true, total: true, tall: true, group, min: 2, series: names.map((name, i) =>
				({key: `went ${i}`, label: name ?? t('cap.went.others'), color: COLORS[i], kind: 'bars'})).reverse()});
			room.replaceChildren(chart.el);
			shown = names.join();
		}
		chart.set({t: d.t, step_s: d.step_s, ...Object.fromEntries(columns.map((c, i) => [`went ${i}`, c]))}, failed);
	}
	return {
		el,
		set(d, failed) {
			el.hidden = Object.keys(past(d)).length < (isUpstream ? 2 : 1);
			if (el.hidden)
				return;
			draw(d, failed);
			if (table)
				table.set(sums(d));
		},
		destroy: () => chart?.destroy(),
	};
}
