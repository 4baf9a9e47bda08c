/* text.js - which words, and how are numbers, times and amounts said in them?  "{name}" is a value, "[name:one|many]" goes by its number. */
import groups from './words.js';

/* Keys with a beginning in common stand in one group: {act: {end: 'x'}} is act.end. */
const WORDS = Object.entries(groups).flatMap(([k, v]) => (typeof v === 'string' ? [[k, v]] : Object.entries(v).map(([rest, both]) => [`${k}.${rest}`, both])));
export const LANGUAGES = {en: 'English', zh: '中文'};

/* The first of the browser's languages that we speak. */
export const preferredLanguage = wanted => (wanted ?? []).map(tag => tag.toLowerCase().split('-')[0]).find(lang => lang in LANGUAGES) ?? 'en';

export function createText(lang) {
	const words = Object.fromEntries(WORDS.map(([k, both]) => [k, both.split('~')[lang === 'zh' ? 1 : 0] ?? both]));
	const locale = lang === 'zh' ? 'zh-CN' : 'en-GB';
	const numbers = lang === 'zh' ? 'zh-CN' : 'en';
	const number = (least, most, more) => new Intl.NumberFormat(numbers, {minimumFractionDigits: least, maximumFractionDigits: most, ...more});
	const [whole, one, two] = [0, 1, 2].map(n => number(0, n));
	const fixed = [0, 1, 2].map(n => number(n, n));
	const short = number(0, 1, {notation: 'compact'});
	const shorter = number(1, 1, {notation: 'compact'});
	const format = options => new Intl.DateTimeFormat(locale, {hourCycle: 'h23', ...options});
	const clocks = {
		clock: format({hour: '2-digit', minute: '2-digit', second: '2-digit'}),
		minute: format({hour: '2-digit', minute: '2-digit'}),
		day: format({day: 'numeric', month: 'short'}),
		date: format({day: 'numeric', month: 'short', year: 'numeric'}),
		stamp: format({day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit'}),
		weekday: format({weekday: 'short'}),
	};
	const missing = '–';
	const isNumber = n => typeof n === 'number' && Number.isFinite(n);

	function fill(pattern, values) {
		return pattern
			.replace(/\[(\w+):([^|\]]*)\|([^\]]*)\]/g, (_, name, single, many) => (values[name] === 1 ? single : many))
			.replace(/\{(\w+)\}/g, (_, name) => {
				const v = values[name];
				return isNumber(v) ? num(v) : v ?? missing;
			});
	}
	const t = (key, values = {}) => fill(words[key] ?? key, values);
	const has = key => key in words;

	function num(n) {
		if (!isNumber(n))
			return missing;
		const a = Math.abs(n);
		return (a >= 100 || Number.isInteger(n) ? whole : a >= 10 ? one : two).format(n);
	}
	const compact = n => (!isNumber(n) ? missing : Math.abs(n) < 10000 ? num(n) : short.format(n));

	/* 0.40 s, 1.5 s, 12 s, 1 min 34 s, 2 h 5 min, 3 d 4 h: two units at most. */
	function dur(s) {
		if (!isNumber(s))
			return missing;
		const a = Math.max(0, s);
		if (a < 0.1)
			return a === 0 ? t('unit.s', {n: 0}) : t('unit.ms', {n: Math.max(1, Math.round(a * 1000))});
		if (a < 9.95)
			return t('unit.s', {n: fixed[a < 1 ? 2 : 1].format(a)});
		const r = Math.round(a);
		if (r < 60)
			return t('unit.s', {n: r});
		const pair = (big, bigUnit, small, smallUnit) =>
			t(bigUnit, {n: big}) + (small ? ' ' + t(smallUnit, {n: small}) : '');
		if (r < 3600)
			return pair(Math.floor(r / 60), 'unit.min', r % 60, 'unit.s');
		const m = Math.round(a / 60);
		if (m < 1440)
			return pair(Math.floor(m / 60), 'unit.h', m % 60, 'unit.min');
		const hours = Math.round(a / 3600);
		return pair(Math.floor(hours / 24), 'unit.d', hours % 24, 'unit.h');
	}

	/* ---- what stands together: of(VALUES) says each with as many decimals, axis(TICKS) in one unit ---- */

	const most = values => values.reduce((a, v) => (isNumber(v) && v > a ? v : a), 0);
	const said = (unit, by, n) => v => (isNumber(v) ? t(`unit.${unit}`, {n: fixed[n].format(v / by)}) : missing);
	/* A tick is a multiple of the first. */
	const even = (unit, by, ticks) => said(unit, by, [0, 1].find(n => Math.abs(((ticks[1] / by) * 10 ** n) % 1) < 1e-6) ?? 2);
	const times = {
		of(values) {
			const top = most(values);
			return top < 0.1 ? said('ms', 0.001, 0) : top < 100 ? said('s', 1, top < 10 ? 2 : 1) : v => dur(v && Math.round(v));
		},
		axis(ticks) {
			const [unit, by] = [['ms', 0.001, 0.1], ['s', 1, 150], ['min', 60, 9000], ['h', 3600, 259200], ['d', 86400, Infinity]].find(u => most(ticks) < u[2]);
			return even(unit, by, ticks);
		},
	};
	const counts = {
		of(values) {
			const isLong = most(values) >= 100000;
			return v => (v > 999 && isLong ? shorter.format(v) : num(v && Math.round(v)));
		},
		axis: ticks => (most(ticks) < 10000 ? num : v => short.format(v)),
	};
	const rates = {of: values => said('perS', 1, most(values) < 1000 ? 1 : 0), axis: ticks => even('perS', 1, ticks)};

	/* A countdown: whole seconds, so that it does not flicker. */
	const count = s => (!isNumber(s) ? missing : s < 60 ? t('unit.s', {n: Math.max(0, Math.ceil(s))}) : dur(Math.ceil(s)));

	/* 1 MB is 1,048,576 bytes, as in the settings. */
	function bytes(n) {
		if (!isNumber(n))
			return missing;
		const units = ['B', 'kB', 'MB', 'GB'];
		let i = 0;
		let v = n;
		for (; v >= 1024 && i < 3; i++)
			v /= 1024;
		return `${fixed[i && v < 100 ? 1 : 0].format(v)} ${units[i]}`;
	}
	/* 98.96 % must not be said as 99 %, nor 99.7 % as 100 %: an objective may lie between. */
	function pct(fraction, digits = 1) {
		if (!isNumber(fraction))
			return missing;
		const p = fraction * 100 * 10 ** digits;
		return `${fixed[digits].format((fraction < 1 && fraction > 0.9 ? Math.floor(p + 1e-6) : Math.round(p)) / 10 ** digits)} %`;
	}
	const sizes = {of: () => bytes, axis: () => bytes, base: 1024};
	const when = name => at => (isNumber(at) ? clocks[name].format(at * 1000) : missing);

	return {lang, t, has, num, compact, dur, count, bytes, pct, missing, times, counts, rates, sizes,
		clock: when('clock'), minute: when('minute'), day: when('day'), date: when('date'), stamp: when('stamp'), weekday: when('weekday')};
}
