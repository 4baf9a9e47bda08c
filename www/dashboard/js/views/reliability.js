/* reliability.js - do requests come to a good end, where does time go, and when is it busy?  What a client did wrong is on neither side. */
import {card, facts, fill, h, kinds, part, setAttr, setText, tint} from '../dom.js';
import {createChart, createHalves} from '../chart.js';
import {createRangePicker} from '../range.js';
import {createWeek} from '../week.js';
import {coverage} from '../figures.js';
import {sum} from '../history.js';

export const OUTCOMES = ['ok', 'client_error', 'hangup', 'cancelled', 'refused', 'rate', 'off', 'upstream_key', 'upstream_error', 'truncated', 'lost'];
const FAILED = OUTCOMES.slice(4);
const COLORS = {ok: 'accent', client_error: 'o-client', hangup: 'o-hangup', cancelled: 'o-cancelled', refused: 'o-refused', rate: 'o-rate',
	off: 'o-off', upstream_key: 'bad', upstream_error: 'o-upstream', truncated: 'o-truncated', lost: 'o-lost'};
const OBJECTIVES = [0.9, 0.95, 0.99, 0.995, 0.999];
const PARTS = [['queue', 'accent'], ['first_byte', 'second'], ['generation', 'third']];

export function createReliability(app) {
	const {text: {t, ...fmt}, prefs} = app;
	const group = new Set();
	let objective = prefs.get('objective', 0.99);
	let data = null;
	const range = createRangePicker(app);
	const percent = h('b.huge.num');
	const line = h('p.num');
	const budget = h('i');
	const spent = h('p.card-note.num');
	const choose = h('select', {id: `objective-${app.unique()}`, change: () => {
		objective = Number(choose.value);
		prefs.set('objective', objective);
		tell();
	}}, OBJECTIVES.map(o => h('option', {value: o, selected: o === objective}, fmt.pct(o))));
	const parts = PARTS.map(([key, color]) => ({key, fill: tint(h('i'), color), dd: h('dd.num', null, fmt.missing)}));
	const wrong = h('ul.kinds');
	const clean = h('p.empty', null, fmt.missing);
	const told = h('p.card-note.num');
	const figures = facts(['requests', 'ok', 'tokensIn', 'tokensOut'], key => t(`${key.startsWith('t') ? 'col' : 'fig'}.${key}`));
	const outcomes = createChart(app, {label: t('rel.outcomes'), unit: fmt.counts, stacked: true, total: true, tall: true, group, min: 2,
		series: OUTCOMES.slice().reverse().map(key => ({key, label: t(`outcome.${key}`), color: COLORS[key], kind: 'bars'}))});
	const [first, speed, queue] = ['first_byte', 'speed', 'queue'].map(key => createHalves(app, key, group));
	const charts = [outcomes, first, speed, queue];
	const week = createWeek(app);

	const el = h('div.stack', null,
		h('div.section-head', null, h('h2', null, t('nav.reliability')), range.el),
		h('div.three', null,
			part('section.card', t('rel.availability'), [h('label', {for: choose.id}, t('rel.objective')), choose],
				percent, line, h('div.meter.budget', {'aria-hidden': 'true'}, budget), spent, figures.el, told),
			card(t('rel.time'), h('div.stackbar', {'aria-hidden': 'true'}, parts.map(p => p.fill)),
				h('dl.facts.rows', null, parts.map((p, i) => h('div', null, h('dt', null, tint(h('i.swatch.bars'), PARTS[i][1]), t(`rel.time.${p.key}`)), p.dd))),
				h('p.card-note', null, t('rel.time.note'))),
			card(t('rel.kinds'), wrong, clean)),
		card(t('rel.outcomes'), outcomes.el),
		h('div.three', null, card(t('rel.first_byte'), first.el), card(t('rel.speed'), speed.el), card(t('rel.queue'), queue.el)),
		card(t('rel.week'), week.el));

	function tell() {
		if (!data)
			return;
		const n = Object.fromEntries(OUTCOMES.map(key => [key, sum(data[key])]));
		const failed = FAILED.reduce((a, key) => a + n[key], 0);
		const counted = n.ok + failed;
		const requests = sum(data.requests);
		const got = counted ? n.ok / counted : null;
		const allowed = (1 - objective) * counted;
		setText(percent, got === null ? fmt.missing : fmt.pct(got, 2));
		setAttr(percent, 'data-met', got === null ? null : String(got >= objective));
		setText(line, counted ? t(got >= objective ? 'rel.met' : 'rel.missed', {objective: fmt.pct(objective), n: counted, failed})
			: requests ? t('rel.uncounted', {n: requests}) : t('rel.nothing'));
		fill(budget, counted ? Math.min(1, failed / Math.max(allowed, 1e-9)) : 0);
		budget.classList.toggle('over', failed > allowed);
		const room = allowed < 10 ? Math.round(allowed * 10) / 10 : Math.round(allowed);
		setText(spent, counted ? t('rel.budget', {failed, allowed: room, part: room ? fmt.pct(failed / room, 0) : fmt.missing}) : '');

		const times = PARTS.map(([key]) => sum(data[`${key}_s`]));
		const all = times.reduce((a, b) => a + b, 0);
		const means = times.map((s, i) => s / (sum(data[`${PARTS[i][0]}_n`]) || 1));
		const mean = fmt.times.of(means);
		PARTS.forEach((_, i) => {
			parts[i].fill.style.flexGrow = all ? String(times[i] / all) : '0';
			setText(parts[i].dd, all ? t('rel.time.part', {share: fmt.pct(times[i] / all, 0), mean: mean(means[i])}) : fmt.missing);
		});
		const bad = Object.entries(n).filter(([key, many]) => key !== 'ok' && many > 0).sort((a, b) => b[1] - a[1]);
		kinds(wrong, bad, app.text, 'outcome', key => COLORS[key]);
		clean.hidden = bad.length > 0;
		setText(clean, t('rel.clean'));
		figures.say({requests: fmt.compact(requests), ok: requests ? fmt.pct(n.ok / requests, 2) : fmt.missing, tokensIn: fmt.compact(sum(data.tokens_in)),
			tokensOut: fmt.compact(sum(data.tokens_out))});
		const known = column => sum((column ?? []).filter((_, i) => (data.answers_told?.[i] ?? null) !== null));
		setText(told, coverage(t, known(data.answers), known(data.answers_told)));
	}
	const past = range.follow(charts, d => {
		data = d;
		tell();
	});
	return {
		el, ...past,
		show() {
			past.show();
			week.show();
		},
		hide() {
			past.hide();
			week.hide();
		},
	};
}
