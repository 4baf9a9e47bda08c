/* worth.js - what would these tokens have cost elsewhere?  Nobody's price list is built in: it would be wrong soon. */
import {card, facts, h, setText} from './dom.js';
import {coverage} from './figures.js';

export function createWorth(app) {
	const {text: {t, ...fmt}, prefs} = app;
	const prices = prefs.get('prices', {in: 0.6, out: 2.5});
	const figures = facts(['tokensIn', 'tokensOut', 'saved'], key => t(key === 'saved' ? 'worth.saved' : `col.${key}`));
	const fields = ['in', 'out'].map(key => {
		const input = h('input', {type: 'number', id: `price-${key}-${app.unique()}`, min: 0, max: 10000, step: 'any', value: prices[key], inputmode: 'decimal'});
		input.addEventListener('input', () => {
			if (!input.validity.valid || input.value === '')
				return;
			prices[key] = Number(input.value);
			prefs.set('prices', prices);
			show();
		});
		return h('div.field', null, h('label', {for: input.id}, t(`worth.price.${key}`)), input);
	});
	const told = h('p.card-note.num');
	let tokens = {in: 0, out: 0};

	function show() {
		const money = new Intl.NumberFormat(fmt.lang === 'zh' ? 'zh-CN' : 'en-GB', {style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol'});
		figures.say({tokensIn: fmt.compact(tokens.in), tokensOut: fmt.compact(tokens.out),
			saved: money.format((tokens.in * prices.in + tokens.out * prices.out) / 1e6)});
		setText(told, tokens.told);
	}
	return {
		el: card(t('worth.title'),
			figures.el, told, h('div.fields', null, fields), h('p.card-note', null, t('worth.note'))),
		update(s) {
			const total = key => s.models.reduce((a, m) => a + (m[key] ?? 0), 0);
			tokens = {in: total('tokens_in'), out: total('tokens_out'), told: coverage(t, total('answers'), total('answers_told'))};
			show();
		},
	};
}
