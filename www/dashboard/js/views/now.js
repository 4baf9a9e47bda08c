/* now.js - who waits, what does the window do, who goes next, how did it go?  The first screen: it answers without scrolling. */
import {h} from '../dom.js';
import {createChart, createHalves} from '../chart.js';
import {createRangePicker} from '../range.js';
import {createQueueCard} from '../queue.js';
import {createWindowCard} from '../window.js';
import {createNextCard} from '../next.js';
import {createUpstreams} from '../upstreams.js';
import {createFirst} from '../first.js';
import {isFirst} from '../verdict.js';

export function createNow(app) {
	const {text} = app;
	const {t} = text;
	const group = new Set();
	const cards = [createQueueCard(app), createWindowCard(app), createNextCard(app)];
	const upstreams = createUpstreams(app);
	const first = createFirst(app);
	const charts = [
		['col.sends', createChart(app, {label: t('col.sends'), unit: text.counts, group, min: 2, series: [
			{key: 'sends', label: t('col.sends'), color: 'accent', kind: 'bars'}]})],
		['col.waiting', createChart(app, {label: t('col.waiting'), unit: text.counts, group, min: 4, series: [
			{key: 'waiting', label: t('col.waiting'), color: 'accent', kind: 'area'},
			{key: 'in_flight', label: t('col.running'), color: 'second', dash: [5, 3]}]})],
		...['queue', 'first_byte'].map(key => [`rel.${key}`, createHalves(app, key, group)]),
	];
	const range = createRangePicker(app);
	const followed = range.follow(charts.map(c => c[1]));
	const el = h('div.now', null,
		h('div.cards', null, cards.map(c => c.el)), upstreams.el,
		h('section.timeline', {'aria-label': t('now.timeline')},
			h('div.section-head', null, h('h2', null, t('now.timeline')), range.el),
			h('div.charts', null, charts.map(([key, c]) => h('div.card', null, h('h3', null, t(key)), c.el)))));

	return {
		el,
		update(s) {
			/* Above all else where nothing has come yet; it stays there until the page is loaded anew. */
			if (!first.el.isConnected) {
				first.el.open = isFirst(s);
				el.insertBefore(first.el, first.el.open ? el.firstChild : null);
			}
			[...cards, upstreams, first].forEach(c => c.update(s));
		},
		...followed,
		hide() {
			first.hide();
			followed.hide();
		},
	};
}
