/*
 * check.js - may a setting have this value?
 *
 * The same rules as the server's, so that a mistake is told while typing; the
 * server has the last word. setting: a row of /api/config. Gives {value} or
 * {wrong: key for text.js, values}.
 */
export function check(setting, typed) {
  const {type, min, max} = setting;
  if (type === 'bool')
    return {value: Boolean(typed)};
  const text = String(typed).trim();
  if (type === 'word')
    return setting.words?.includes(text) ? {value: text} : {wrong: 'check.word'};
  if (type === 'text')
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

export function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}
