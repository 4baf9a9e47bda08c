/*
 * worth.js - what would these tokens have cost elsewhere?
 *
 * Two prices, kept in this browser; tokens of all models since the state file
 * was made. Nobody else's price list is built in: it would be wrong soon.
 */
import {card, h, setText} from './dom.js';

export function createWorth(app) {
  const {text: {t, ...fmt}, prefs} = app;
  const prices = prefs.get('prices', {in: 0.6, out: 2.5});
  const facts = ['in', 'out', 'saved'].map((key) => [key, h('dd.num')]);
  const fields = ['in', 'out'].map((key) => {
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
  let tokens = {in: 0, out: 0};

  function show() {
    const money = new Intl.NumberFormat(fmt.lang === 'zh' ? 'zh-CN' : 'en-GB', {style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol'});
    const said = {in: fmt.compact(tokens.in), out: fmt.compact(tokens.out),
      saved: money.format((tokens.in * prices.in + tokens.out * prices.out) / 1e6)};
    for (const [key, dd] of facts)
      setText(dd, said[key]);
  }
  return {
    el: card(t('worth.title'),
      h('dl.facts', null, facts.map(([key, dd]) => h('div', null, h('dt', null, t(`worth.${key}`)), dd))),
      h('div.fields', null, fields), h('p.card-note', null, t('worth.note'))),
    update(s) {
      const total = (key) => s.models.reduce((a, m) => a + (m[key] ?? 0), 0);
      tokens = {in: total('tokens_in'), out: total('tokens_out')};
      show();
    },
  };
}
