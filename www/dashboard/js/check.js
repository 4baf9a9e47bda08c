/* check.js - may a setting have this value, and a key this name?  The server's rules; gives {value}, or {wrong: key for text.js, values}. */
export function check(setting, typed) {
	const {type, min, max} = setting;
	if (type === 'bool')
		return {value: Boolean(typed)};
	const text = String(typed).trim();
	if (type === 'word')
		return setting.words?.includes(text) ? {value: text} : {wrong: 'check.word'};
	if (type === 'text' || type === 'map')
		return {value: text};
	if (type === 'list')
		return {value: text.split(/[\s,]+/).filter(Boolean)};
	const values = {min, max};
	if (text === '')
		return {wrong: 'check.range', values};
	if (!/^\d+(\.\d+)?$/.test(text))
		return {wrong: 'check.number', values};
	const n = Number(text);
	if (type !== 'seconds' && !Number.isInteger(n))
		return {wrong: 'check.whole', values};
	if (type === 'seconds' && Math.abs(n * 1000 - Math.round(n * 1000)) > 1e-6)
		return {wrong: 'check.finer', values};
	if ((min !== undefined && min !== null && n < min) || (max !== undefined && max !== null && n > max))
		return {wrong: 'check.range', values};
	return {value: n};
}

/* May a key have this name?  The rule of `clients` in the settings file, and
 * what the path of an address can carry: "." and ".." mean folders there. */
export function checkName(typed, isTaken) {
	const value = String(typed).trim();
	const bytes = new TextEncoder().encode(value).length;
	if (bytes < 1 || bytes > 63)
		return {wrong: 'check.name'};
	const parts = value.split('.');
	const isAddress = (parts.length === 4 && parts.every(p => String(p & 255) === p)) ||
		(/^[\da-f:.]+$/i.test(value) && URL.canParse(`http://[${value}]`));
	if (isAddress || /[\x00-\x1f\x7f]/.test(value) || ['anonymous', 'unknown', '.', '..'].includes(value))
		return {wrong: 'check.odd'};
	return isTaken(value) ? {wrong: 'check.taken'} : {value};
}

export function same(a, b) {
	return JSON.stringify(a) === JSON.stringify(b);
}
