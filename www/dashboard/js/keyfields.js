/* keyfields.js - what can be said of a key, and may it be so?  To make one, or (`now`) to change one. */
import {check, checkName, same} from './check.js';
import {blame, h, setAttr} from './dom.js';

const DAY_S = 86400;
const DAYS = [1, 7, 30, 90, 365];
const COUNTS = {weight: {min: 1, max: 1000, first: 1}, requests_per_min: {min: 0, max: 10000, first: 0},
	tokens_per_min: {min: 0, max: 2e9, first: 0}, tokens_per_day: {min: 0, max: 1e12, first: 0}, queue_max: {min: 0, max: 4096, first: 0}};

/* form: id of the form that sends them, where they stand outside of it. */
export function createKeyFields(app, {now = null, form = null, isTaken = null}) {
	const {text: {t}} = app;
	const fields = new Map();

	function put(name, input, judge, hint = null) {
		const id = `key-${name}-${app.unique()}`;
		const about = hint && h('span.hint.faint', {id: `${id}-about`}, hint);
		const error = h('p.form-error', {id: `${id}-error`, hidden: true});
		for (const [key, value] of Object.entries({id, form, 'aria-describedby': `${about ? about.id : ''} ${error.id}`}))
			setAttr(input, key, value);
		const tell = message => blame(input, error, message);
		const read = () => {
			const found = judge(input.value);
			tell(found.wrong ? t(found.wrong, found.values) : '');
			return found;
		};
		input.addEventListener('input', read);
		fields.set(name, {input, read, tell, first: input.value,
			el: h(`div.field.key-${name}`, null, h(`label${now ? '.sr' : ''}`, {for: id}, t(`keys.${name}`)), input, about, error)});
	}
	const text = attrs => h('input', {type: 'text', autocomplete: 'off', spellcheck: 'false', ...attrs});
	const choice = (options, chosen) => h('select', null, options.map(([value, label]) => h('option', {value, selected: value === chosen}, label)));
	const as = value => ({value});

	if (!now)
		put('name', text(), typed => checkName(typed, isTaken));
	put('expires_in_s', choice([...(now ? [['keep', t('keys.keep')]] : []), ['', t('keys.never')], ...DAYS.map(n => [String(n * DAY_S), t('keys.in', {n})])]),
		v => as(v === 'keep' ? undefined : v === '' ? null : Number(v)));
	put('priority', choice(['high', 'normal', 'low'].map(c => [c, t(`class.${c}`)]), now?.priority ?? 'normal'), as);
	for (const [name, {min, max, first}] of Object.entries(COUNTS))
		put(name, text({class: 'number', inputmode: 'numeric', value: now?.[name] ?? first}), typed => check({type: 'count', min, max}, typed),
			now ? null : min ? t('set.range', {min, max}) : t('keys.zero'));

	return {
		els: [...fields.values()].map(f => f.el),
		el: name => fields.get(name).el,
		focus: () => fields.values().next().value.input.focus(),
		/* What to send: all, or of a key that is there what differs; null where
		 * something may not be so. */
		read() {
			const body = {};
			let wrong = null;
			for (const [name, f] of fields) {
				const found = f.read();
				if (found.wrong)
					wrong ??= f;
				else if (!same(found.value, now?.[name]))
					body[name] = found.value;
			}
			wrong?.input.focus();
			return wrong ? null : body;
		},
		/* Marks the field that the server objects to. */
		point(status, message) {
			const f = [...fields].find(([name]) => new RegExp(`\\b${name}\\b`).test(message))?.[1] ?? (status === 409 && fields.get('name'));
			if (!f)
				return;
			setAttr(f.input, 'aria-invalid', 'true');
			f.input.focus();
		},
		back() {
			for (const f of fields.values()) {
				f.input.value = f.first;
				f.tell('');
			}
		},
	};
}
