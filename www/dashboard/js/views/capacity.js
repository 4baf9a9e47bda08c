/* capacity.js - how much is used, how much was wanted, and what was turned away?  Wanted: sent, refused, and by how much the queue grew. */
import {card, facts, fill, h, keyed, kinds, meter, setAttr, setText} from '../dom.js';
import {createChart} from '../chart.js';
import {createRangePicker} from '../range.js';
import {highest, sum} from '../history.js';
import {createUpstreams} from '../upstreams.js';
import {createWent} from '../went.js';

export function createCapacity(app) {
	const {text: {t, ...fmt}} = app;
	const group = new Set();
	const gauges = h('ul.gauges');
	const upstreams = createUpstreams(app);
	const range = createRangePicker(app);
	const sentence = h('p.lead');
	const figures = facts(['wanted', 'allowed', 'short', 'saturated', 'peak'], key => t(`cap.fact.${key}`));
	const refusals = h('ul.kinds');
	const clean = h('p.empty', {hidden: true}, t('cap.noRefusal'));
	const usage = createChart(app, {label: t('cap.window'), unit: fmt.counts, group, min: 4, tall: true, series: [
		{key: 'window_used', label: t('cap.used'), color: 'accent', kind: 'area'},
		{key: 'window_limit', label: t('cap.limit'), color: 'second', dash: [6, 4]}]});
	const demand = createChart(app, {label: t('cap.waiting'), unit: fmt.counts, group, min: 4, tall: true, series: [
		{key: 'waiting', label: t('col.waiting'), color: 'accent', kind: 'area'},
		{key: 'refused', label: t('outcome.refused'), color: 'o-refused', kind: 'bars'}]});
	const went = createWent(app, group);
	const el = h('div.stack', null,
		upstreams.el, card(t('cap.now'), gauges),
		h('div.section-head', null, h('h2', null, t('cap.over')), range.el),
		h('div.two', null,
			card(t('cap.shortfall'), sentence, figures.el),
			card(t('cap.refusals'), refusals, clean,
				h('p.card-note', null, t('cap.refusals.note')))),
		h('div.two', null, card(t('cap.window'), usage.el),
			card(t('cap.waiting'), demand.el)), went.el);
	let data = null;

	function now(s) {
		const out = [];
		const put = (key, name, n, of, say = fmt.num) => of > 0 && out.push({key: `${key}${name}`, label: t(`cap.gauge.${key}`, {name}).trim(),
			part: n / of, said: t('cap.gauge.of', {n: say(n), of: say(of)})});
		for (const l of s.limits) {
			const name = s.limits.length > 1 ? l.name : '';
			put('window', name, l.window_used, l.requests);
			if (l.burst > 0 && l.burst !== l.requests)
				put('bucket', name, l.burst - l.tokens, l.burst);
			put('flight', name, l.in_flight, l.in_flight_max);
			put('tokens', name, (l.tokens_used ?? 0) + (l.tokens_reserved ?? 0), l.tokens_limit ?? 0);
		}
		put('queue', '', s.queue.waiting, s.queue.max);
		put('held', '', s.queue.held_bytes ?? 0, s.queue.max_bytes ?? 0, fmt.bytes);
		for (const m of s.models)
			if (m.ceiling > 0)
				put('model', m.name, m.in_flight, m.ceiling);
		return out;
	}
	function makeGauge() {
		return h('li', null, h('span'), meter(h('i')), h('b.num'), h('span.faint.num'));
	}
	function changeGauge(li, g) {
		setText(li.children[0], g.label);
		fill(li.children[1].firstChild, Math.min(1, g.part));
		setText(li.children[2], fmt.pct(g.part, 0));
		setText(li.children[3], g.said);
		setAttr(li, 'data-full', g.part >= 0.9 ? 'yes' : null);
	}
	/* What is said together is rounded first: 46 wanted of 40 are 6 too few. */
	function shortfall(s) {
		const kept = (data?.sends ?? []).map((v, i) => i).filter(i => data.sends[i] !== null);
		if (!kept.length || !s.limits.length)
			return;
		const seconds = Math.min(data.to, data.t[kept.at(-1)] + data.step_s) - Math.max(data.kept_from ?? 0, data.t[kept[0]]);
		const minutes = Math.max(1, seconds / 60); /* of the first seconds no minute is made */
		const grown = Math.max(0, (data.waiting[kept.at(-1)] ?? 0) - (data.waiting[kept[0]] ?? 0));
		const may = s.limits.reduce((a, l) => a + (l.requests / (l.window_s + (l.margin_s ?? 0))) * 60, 0);
		const [wanted, allowed] = [(sum(data.sends) + sum(data.refused) + grown) / minutes, may].map(n => (may >= 10 ? Math.round(n) : Math.round(n * 10) / 10));
		const short = Math.round((wanted - allowed) * 10) / 10;
		const busy = kept.filter(i => data.waiting[i] > 0).length / kept.length;
		const each = n => t('perMin', {n});
		figures.say({wanted: each(wanted), allowed: each(allowed), short: short > 0 ? each(short) : t('cap.none'), saturated: fmt.pct(busy, 0),
			peak: each(Math.round(peak()))});
		setText(sentence, wanted > may * 1.02 && short > 0 ? t('cap.lacks', {wanted, allowed, short})
			: busy > 0.05 ? t('cap.tight', {busy: fmt.pct(busy, 0), allowed})
				: t('cap.enough', {wanted, allowed}));
	}
	/* The most sends in a minute. */
	function peak() {
		const many = Math.max(1, Math.round(60 / data.step_s));
		let within = 0;
		return highest(data.sends.map((v, i) => (within += (v ?? 0) - (data.sends[i - many] ?? 0)))) / Math.max(1, data.step_s / 60);
	}

	return {
		el,
		update(s) {
			upstreams.update(s);
			keyed(gauges, now(s), g => g.key, makeGauge, changeGauge);
			const rows = Object.entries(s.counters.refused ?? {}).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]);
			kinds(refusals, rows, app.text, 'refusal', () => 'o-refused');
			clean.hidden = rows.length > 0;
			shortfall(s);
		},
		...range.follow([usage, demand, went], d => {
			data = d;
			if (app.state.get())
				shortfall(app.state.get());
		}),
	};
}
