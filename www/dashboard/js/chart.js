/* chart.js - how is a plot read: legend, tooltip, keys, a summary aloud?  spec: {label, unit, stacked, total, tall, min, group, series: [{key, label, color, kind, dash}]}; unit is text.times, text.counts, ... */
import {h, setAttr, setText, tint} from './dom.js';
import {createPlot} from './plot.js';

const LEAP = {ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity};

/* Half of them and nearly all: WHAT is queue, first_byte or speed. */
export const createHalves = (app, what, group) => createChart(app, {label: app.text.t(`rel.${what}`), unit: what === 'speed' ? app.text.rates : app.text.times, group, min: 1,
	series: [{key: `${what}_p50`, label: 'p50', color: 'accent', kind: 'line'}, {key: `${what}_p95`, label: 'p95', color: 'second', dash: [5, 3]}]});

export function createChart(app, spec) {
	const {text, theme} = app;
	const swatch = s => tint(h(`i.swatch.${s.kind ?? 'line'}${s.dash ? '.dashed' : ''}`), s.color);
	const tip = h('div.tip', {hidden: true});
	const empty = h('p.plot-empty', {hidden: true});
	const legend = h('ul.legend', {'aria-hidden': 'true'});
	const values = spec.series.map(s => {
		const value = h('b');
		legend.append(h('li', null, swatch(s), `${s.label} `, value));
		return value;
	});
	let data = null;
	let pointed = null;
	let say = spec.unit.of([]);

	const sayTime = (t, step) => (step >= 86400 ? text.day(t) : step >= 60 ? text.minute(t) : text.clock(t));
	const plot = createPlot({...spec, onPoint, sayTime,
		color: theme.color,
		isTime: spec.unit === text.times, axis: spec.unit.axis, base: spec.unit.base,
		onSelect: (from, to) => app.history.setRange({name: 'custom', from, to: Math.max(to, from + 10)})});
	const frame = h(`div.plot${spec.tall ? '.tall' : ''}`, {tabindex: 0, role: 'img', 'aria-label': spec.label, keydown, blur}, plot.el, tip, empty);
	const el = h('div.chart', null, legend, frame);

	const stopTheme = theme.subscribe(() => plot.draw());

	const said = (s, i) => {
		const v = data[s.key]?.[i];
		return v === null || v === undefined ? text.missing : say(v);
	};
	const moment = t => (data.step_s >= 60 ? text.stamp(t) : text.clock(t));

	function onPoint(i, x) {
		pointed = i;
		readout();
		tip.hidden = i === null;
		if (i === null)
			return;
		tip.replaceChildren(h('b', null, moment(data.t[i])), ...spec.series.filter(s => !spec.stacked || data[s.key]?.[i])
			.map(s => h('div', null, swatch(s), h('span', null, s.label), h('b', null, said(s, i)))));
		const wide = tip.offsetWidth;
		const left = x + 14 + wide > frame.clientWidth ? x - 14 - wide : x + 14;
		tip.style.transform = `translate(${Math.max(0, Math.round(left))}px, 4px)`;
	}

	/* The legend tells the values at the crosshair, else the sums or the last. */
	function readout() {
		spec.series.forEach((s, k) => {
			const column = data[s.key] ?? [];
			const last = column.findLastIndex(v => v !== null);
			setText(values[k], pointed === null && spec.total ? say(column.reduce((a, v) => a + (v ?? 0), 0)) : said(s, pointed ?? last));
		});
	}
	function summary() {
		if (!data)
			return spec.label;
		return `${spec.label}. ` + spec.series.map(s => {
			const column = (data[s.key] ?? []).filter(v => v !== null);
			return column.length ? text.t('chart.summary', {name: s.label, last: say(column.at(-1)),
				max: say(column.reduce((a, v) => Math.max(a, v), 0))}) : '';
		}).join(' ');
	}

	function keydown(e) {
		if (!data?.t?.length || !(e.key in LEAP || e.key === 'Escape'))
			return;
		e.preventDefault();
		if (e.key === 'Escape') {
			blur();
			return;
		}
		const i = Math.min(data.t.length - 1, Math.max(0, (pointed ?? data.t.length - 1) + LEAP[e.key]));
		plot.show(i);
		setAttr(frame, 'aria-label', `${moment(data.t[i])}: ${spec.series.map(s => `${s.label} ${said(s, i)}`).join(', ')}`);
	}
	function blur() {
		if (data)
			plot.show(null);
		setAttr(frame, 'aria-label', summary());
	}

	function prepared() {
		const columns = spec.series.map(s => data[s.key] ?? data.t.map(() => null));
		if (!spec.stacked)
			return columns;
		for (let k = columns.length - 2; k >= 0; k--)
			columns[k] = columns[k].map((v, i) => (v ?? 0) + (columns[k + 1][i] ?? 0));
		return columns;
	}

	return {
		el,
		/* {t, step_s, COLUMN, ...} as /api/history gives it; null: not known yet. */
		set(d, failed = false) {
			setText(empty, text.t(failed ? 'chart.failed' : 'chart.loading'));
			empty.hidden = Boolean(d?.t?.length);
			frame.classList.toggle('stale', !d?.t?.length);
			if (!d?.t?.length)
				return;
			data = d;
			say = spec.unit.of(spec.series.flatMap(s => d[s.key] ?? []));
			if (pointed !== null && pointed >= d.t.length)
				pointed = null;
			plot.set(d.t, d.step_s, prepared());
			readout();
			if (document.activeElement !== frame)
				setAttr(frame, 'aria-label', summary());
		},
		destroy() {
			stopTheme();
			plot.destroy();
		},
	};
}
