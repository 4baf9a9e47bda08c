/* say.js - how is a verdict said: its word, why it is so, and the one next step?  Pure: text.js' words around verdict.js' values. */
import {causes, verdict} from './verdict.js';

function worded({t, ...fmt}, values) {
	const how = {age: fmt.dur, window: fmt.dur, ends: fmt.count, taken: fmt.compact, tokens: fmt.compact};
	return Object.fromEntries(Object.entries(values).map(([key, v]) => [key, how[key] && v !== undefined ? how[key](v) : v]));
}

/* Each group of those who wait: {key, n, phrase, next, last}. */
export function groups(text, s) {
	const {t, has} = text;
	return causes(s).map(({cause, waiting, next, last, values}) => {
		const key = `cause.${cause === 'model' && !values.ceiling ? 'busy' : cause}`;
		return {key: `${key} ${values.name} ${values.model} ${values.client}`, n: waiting, next, last,
			phrase: has(key) ? t(key, worded(text, values)) : t('cause.at', {name: values.name, word: t(`word.${cause}`)})};
	});
}

/* Several causes: the two largest by name. */
function together(text, s) {
	const {t} = text;
	const [first, second, ...rest] = groups(text, s);
	const n = rest.reduce((a, g) => a + g.n, 0);
	return second ? t('cause.some', {...first, second: t('cause.next', second), rest: n ? t('cause.rest', {n}) : ''}) : t('cause.all', first);
}

/* A code that is not known yet is said in the service's own words. */
export function say(text, s) {
	const {t, has} = text;
	const v = verdict(s);
	const {code} = v;
	const values = worded(text, v.values);
	const n = s.queue.waiting;
	const word = has(`word.${code}`) ? t(`word.${code}`) : v.title;
	const own = `why.${code}${code === 'fine' && values.running ? '.running' : ''}`;
	const ends = ['unpaid', 'quota', 'away', 'faulty', 'hold'].includes(code) ? t(v.values.ends ? 'why.ends' : 'why.trying', values) : code === 'key' && values.said ? t('why.said', values) : '';
	return {...v, word, head: n > 0 ? t('verdict.head', {n, word}) : word, why: has(own) ? t(own, values) + ends : n > 0 && has(`cause.${code}`) ? together(text, s) : v.reason ?? '',
		step: has(`step.${code}`) ? t(`step.${code}`) : v.next_step ?? ''};
}
