/* week.js - at which hours of the week is it busy?  The mean of four weeks, in this browser's time zone. */
import {h, setAttr, setText, setVar} from './dom.js';

const WEEKS_S = 28 * 86400;
const EVERY_MS = 300000;
const DAYS = [1, 2, 3, 4, 5, 6, 0];

/* WHO() is whose they are, as [model or client, name]; without it, all. */
export function createWeek(app, who) {
	const {text: {t, ...fmt}, api} = app;
	const cells = new Map();
	const name = day => fmt.weekday(new Date(2024, 0, 7 + day).getTime() / 1000);
	const body = h('tbody', null, DAYS.map(day => h('tr', null, h('th', {scope: 'row'}, name(day)),
		Array.from({length: 24}, (_, hour) => {
			const td = h('td.num');
			cells.set(day * 24 + hour, td);
			return td;
		}))));
	const table = h('table.week', null, h('caption.sr', null, t('rel.week.caption')),
		h('thead', null, h('tr', null, h('td'), Array.from({length: 24}, (_, hour) => h('th', {scope: 'col'}, String(hour))))), body);
	const note = h('p.card-note');
	let timer = null;

	async function ask() {
		let d;
		const [by, of] = who?.() || [];
		if (who && !by)
			return;
		try {
			d = await api.get(`/api/history?from=-${WEEKS_S}&points=700${by ? `&by=${by}&name=${encodeURIComponent(of)}` : ''}`);
		} catch {
			setText(note, t('chart.failed'));
			return;
		}
		const requests = (by ? d[`${by}s`][of] : d)?.requests;
		const sums = new Array(168).fill(0);
		const seen = new Array(168).fill(0);
		d.t.forEach((at, i) => {
			const v = requests?.[i];
			if (v === null || v === undefined)
				return;
			const when = new Date(at * 1000);
			const slot = when.getDay() * 24 + when.getHours();
			sums[slot] += v;
			seen[slot] += d.step_s / 3600;
		});
		const means = sums.map((v, i) => (seen[i] > 0 ? v / Math.max(1, seen[i]) : null));
		const most = Math.max(1, ...means.filter(v => v !== null));
		means.forEach((v, slot) => {
			const td = cells.get(slot);
			setText(td, v === null ? '' : fmt.compact(Math.round(v)));
			setVar(td, '--level', v === null ? 0 : (v / most).toFixed(3));
			setAttr(td, 'title', v === null ? t('rel.week.none') : t('rel.week.cell', {day: name(Math.floor(slot / 24)), hour: slot % 24, n: Math.round(v)}));
		});
		setText(note, t('rel.week.note'));
	}
	return {
		ask,
		el: h('div', null, h('div.table-frame', {tabindex: 0, role: 'region', 'aria-label': t('rel.week')}, table), note),
		show() {
			ask();
			timer = setInterval(ask, EVERY_MS);
		},
		hide: () => clearInterval(timer),
	};
}
