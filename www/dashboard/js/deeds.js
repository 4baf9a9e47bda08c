/* deeds.js - what did each model do over the chosen range, or each client, and one of them in full? */
import {card, h, setText} from './dom.js';
import {createChart, createHalves} from './chart.js';
import {createRangePicker} from './range.js';
import {createWeek} from './week.js';
import {createWent} from './went.js';

export function createDeeds(app, whose) {
	const {text: {t, ...fmt}, history} = app;
	const group = new Set();
	const range = createRangePicker(app);
	const went = createWent(app, group, whose);
	const pick = h('select', {id: `one-${app.unique()}`, change: () => history.setWho(pick.value)});
	const week = createWeek(app, () => pick.value && [whose, pick.value]);
	const chart = (label, unit, ...series) => [label, createChart(app, {label, unit, group, min: 2, total: true,
		series: series.map(([key, name, color, kind = 'line']) => ({key, label: name, color, kind}))})];
	const charts = [
		chart(t('fig.requests'), fmt.counts, ['requests', t('fig.requests'), 'accent', 'bars'], ['streams', t('fig.streams'), 'second']),
		chart(t('rel.kinds'), fmt.counts, ['errors', t('deeds.errors'), 'bad'], ['refused', t('cap.went.refused'), 'o-rate', 'bars']),
		chart(t('deeds.tokens'), fmt.counts, ['tokens_in', t('col.tokensIn'), 'accent'], ['tokens_out', t('col.tokensOut'), 'second']),
		chart(t('col.size'), fmt.sizes, ['bytes_in', t('deeds.in'), 'accent'], ['bytes_out', t('deeds.out'), 'second']),
		...['queue', 'first_byte'].map(key => [t(`rel.${key}`), createHalves(app, key, group)])];
	const title = h('h2');
	let shown = '';
	let picked = null;

	function tell(d, failed) {
		const names = Object.keys({...d?.[`${whose}s`], ...(d?.who && {[d.who]: 1})}).sort();
		if (d && shown !== names.join('\n')) {
			shown = names.join('\n');
			pick.replaceChildren(...names.map(name => h('option', {value: name}, name)));
			pick.value = d.who;
		}
		if (d && picked !== d.who) {
			pick.value = picked = d.who;
			week.ask();
		}
		one.hidden = d?.who === ''; /* nobody did anything */
		setText(title, d?.who || t(`col.${whose}`));
		charts.forEach(([, c]) => c.set(d?.one, failed));
	}
	const one = h('section.stack', {'aria-label': t(`col.${whose}`)},
		h('div.section-head', null, title, h('span.spring'), h('label', {for: pick.id}, t(`col.${whose}`)), pick),
		h('div.charts.of-one', null, charts.map(([label, c]) => h('div.card', null, h('h3', null, label), c.el))),
		card(t('rel.week'), week.el));
	const followed = range.follow([went], tell, whose);
	return {
		head: h('div.section-head', null, h('h2', null, t('cap.over')), range.el),
		one,
		all: went.el,
		show() {
			followed.show();
			week.show();
		},
		hide() {
			followed.hide();
			week.hide();
		},
		destroy() {
			followed.destroy();
			charts.forEach(([, c]) => c.destroy());
		},
	};
}
