/* range.js - over which time do the charts look?  The same choice for all views. */
import {h, setAttr} from './dom.js';
import {RANGES} from './history.js';

export function createRangePicker(app) {
	const {text: {t}, history} = app;
	const buttons = new Map();
	for (const name of [...Object.keys(RANGES), 'custom'])
		buttons.set(name, h('button', {click: () => choose(name)}, t(`range.${name}`)));
	const from = h('input', {type: 'datetime-local', id: `from-${app.unique()}`});
	const to = h('input', {type: 'datetime-local', id: `to-${app.unique()}`});
	const custom = h('form.custom-range', {hidden: true, submit},
		h('label', {for: from.id}, t('range.from')), from, h('label', {for: to.id}, t('range.to')), to,
		h('button.primary', {type: 'submit'}, t('range.show')));
	const el = h('div.range', null, h('div.segments', {role: 'group', 'aria-label': t('range.label')}, [...buttons.values()]), custom);

	for (const input of [from, to])
		input.addEventListener('input', () => to.setCustomValidity(''));

	const local = at => new Date(at * 1000 - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 16);
	function choose(name) {
		if (name !== 'custom') {
			history.setRange({name});
			update();
			return;
		}
		const now = Date.now() / 1000;
		const r = history.range();
		from.value = local(r.from ?? now - (RANGES[r.name] ?? 3600));
		to.value = local(r.to ?? now);
		custom.hidden = !custom.hidden;
		if (!custom.hidden)
			from.focus();
	}
	function submit(e) {
		e.preventDefault();
		const range = {name: 'custom', from: new Date(from.value).getTime() / 1000, to: new Date(to.value).getTime() / 1000};
		to.setCustomValidity(range.to > range.from ? '' : t('range.wrong'));
		if (!(range.to > range.from)) {
			to.reportValidity();
			return;
		}
		custom.hidden = true;
		history.setRange(range);
		update();
	}
	function update() {
		const {name} = history.range();
		if (name !== 'custom')
			custom.hidden = true;
		for (const [key, button] of buttons)
			setAttr(button, 'aria-pressed', key === name ? 'true' : 'false');
	}
	update();
	return {
		el,
		/* What a view does with what was: CHARTS show it, then() is told. */
		follow(charts, then, whose) {
			let unwatch = null;
			return {
				show() {
					unwatch = history.watch((d, failed) => {
						update();
						charts.forEach(c => c.set(d, failed));
						then?.(d, failed);
					}, whose);
				},
				hide() {
					unwatch?.();
					unwatch = null;
				},
				destroy: () => charts.forEach(c => c.destroy()),
			};
		},
	};
}
