/* went.js - whose were the requests over the chosen range: which upstream's, model's or client's? */
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
	const count = isUpstream ? 'sends' : 'requests';
	const fig = key => ({...num(key, key, fmt.num), label: t(`fig.${key}`)});
	const table = createTable({caption: title, empty: t('rel.nothing'), sortBy: count, descending: true, keyOf: r => r.key, t, columns: [
		{key: 'name', label: t(`col.${isUpstream ? 'where' : whose}`), value: r => r.name, cell: r => r.name, head: true, main: true},
		...isUpstream ? [] : [fig('requests'), fig('streams')],
		num('sends', 'sends', fmt.num), num('share', 'share', v => fmt.pct(v, 0)), {...num('refused', 'refused', fmt.num), label: t('cap.went.refused')},
		...isUpstream ? [] : [{...num('errors', 'errors', fmt.num), label: t('deeds.errors')}, {...num('bytesIn', 'bytes_in', fmt.sizes), label: t('deeds.in')}, {...num('bytesOut', 'bytes_out', fmt.sizes), label: t('deeds.out')}],
		num('tokensIn', 'tokens_in', fmt.counts), num('tokensOut', 'tokens_out', fmt.counts),
		{key: 'told', label: t('fig.told'), num: true, cell: r => (r.answers ? t('requests.some', {n: r.answers_told, of: r.answers}) : fmt.missing)}]});
	const el = card(title, room, table.el);
	let chart = null;
	let shown = null;
	el.hidden = isUpstream;

	/* By name; those that have none any more are the others. */
	const past = d => ({...d?.[`${whose}s`], ...(d?.[`${whose}s_other`] && {'': d[`${whose}s_other`]})});
	function sums(d) {
		const rows = Object.entries(past(d)).map(([key, of]) =>
			({key, name: key || t('cap.went.others'), ...Object.fromEntries(Object.entries(of).map(([of, column]) => [of, sum(column)]))}));
		const all = sum(rows.map(r => r[count]));
		return rows.map(r => ({...r, share: all ? r[count] / all : 0}));
	}
	/* As many as can be told apart; the rest, those with the fewest, is one. */
	function parts(d, rows) {
		const named = rows.filter(r => r.key);
		const some = rows.length > COLORS.length ? named.toSorted((a, b) => b[count] - a[count]).slice(0, COLORS.length - 1) : named;
		const names = some.map(r => r.key).sort();
		const rest = rows.filter(r => !some.includes(r)).map(r => past(d)[r.key][count]);
		const columns = names.map(name => past(d)[name][count]);
		return rest.length ? [[...names, null], [...columns, rest[0].map((v, i) => (v === null ? v : rest.reduce((a, c) => a + c[i], 0)))]] : [names, columns];
	}
	function draw(d, failed) {
		const [names, columns] = parts(d, sums(d));
		if (shown !== `${names}`) {
			chart?.destroy();
			chart = createChart(app, {label: title, unit: fmt.counts, stacked: true, total: true, tall: true, group, min: 2, series: names.map((name, i) =>
				({key: `went ${i}`, label: name ?? t('cap.went.others'), color: COLORS[i], kind: 'bars'})).reverse()});
			room.replaceChildren(chart.el);
			shown = `${names}`;
		}
		chart.set({t: d.t, step_s: d.step_s, ...Object.fromEntries(columns.map((c, i) => [`went ${i}`, c]))}, failed);
	}
	return {
		el,
		set(d, failed) {
			el.hidden = isUpstream && Object.keys(past(d)).length < 2;
			if (!d || el.hidden)
				return;
			draw(d, failed);
			table.set(sums(d));
		},
		destroy: () => chart?.destroy(),
	};
}
