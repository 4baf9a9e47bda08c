/*
 * text.js - which words, and how are numbers, times and amounts said in them?
 *
 * createText('en') gives t() for sentences and the formats that go with them.
 * A sentence is "{name}" where a value goes and "[name:one|many]" where its
 * number decides.
 */
import en from './text/en.js';
import zh from './text/zh.js';

/* Keys with a beginning in common stand in one group: {act: {end: 'x'}} is act.end. */
const flat = (words) => Object.fromEntries(Object.entries(words).flatMap(([k, v]) =>
  (typeof v === 'string' ? [[k, v]] : Object.entries(v).map(([rest, text]) => [`${k}.${rest}`, text]))));
const TEXTS = {en: flat(en), zh: flat(zh)};
export const LANGUAGES = {en: 'English', zh: '中文'};

/* The first of the browser's languages that we speak. */
export function preferredLanguage(wanted) {
  for (const tag of wanted ?? []) {
    const lang = tag.toLowerCase().split('-')[0];
    if (TEXTS[lang])
      return lang;
  }
  return 'en';
}

export function createText(lang) {
  const words = TEXTS[lang];
  const locale = lang === 'zh' ? 'zh-CN' : 'en-GB';
  const numbers = lang === 'zh' ? 'zh-CN' : 'en';
  const whole = new Intl.NumberFormat(numbers, {maximumFractionDigits: 0});
  const one = new Intl.NumberFormat(numbers, {maximumFractionDigits: 1});
  const two = new Intl.NumberFormat(numbers, {maximumFractionDigits: 2});
  const short = new Intl.NumberFormat(numbers, {notation: 'compact', maximumFractionDigits: 1});
  const format = (options) => new Intl.DateTimeFormat(locale, {hourCycle: 'h23', ...options});
  const times = {
    clock: format({hour: '2-digit', minute: '2-digit', second: '2-digit'}),
    minute: format({hour: '2-digit', minute: '2-digit'}),
    day: format({day: 'numeric', month: 'short'}),
    date: format({day: 'numeric', month: 'short', year: 'numeric'}),
    stamp: format({day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit'}),
    weekday: format({weekday: 'short'}),
  };
  const missing = '–';
  const isNumber = (n) => typeof n === 'number' && Number.isFinite(n);

  function fill(pattern, values) {
    return pattern
      .replace(/\[(\w+):([^|\]]*)\|([^\]]*)\]/g, (_, name, single, many) => (values[name] === 1 ? single : many))
      .replace(/\{(\w+)\}/g, (_, name) => {
        const v = values[name];
        return isNumber(v) ? num(v) : v ?? missing;
      });
  }
  const t = (key, values = {}) => fill(words[key] ?? TEXTS.en[key] ?? key, values);
  const has = (key) => key in words;

  function num(n) {
    if (!isNumber(n))
      return missing;
    const a = Math.abs(n);
    return (a >= 100 || Number.isInteger(n) ? whole : a >= 10 ? one : two).format(n);
  }
  const compact = (n) => (!isNumber(n) ? missing : Math.abs(n) < 10000 ? num(n) : short.format(n));

  /* 0.4 s, 12 s, 1 min 34 s, 2 h 5 min, 3 d 4 h: two units at most. */
  function dur(s) {
    if (!isNumber(s))
      return missing;
    const a = Math.max(0, s);
    if (a < 0.0095)
      return a === 0 ? t('unit.s', {n: 0}) : t('unit.ms', {n: Math.max(1, Math.round(a * 1000))});
    if (a < 1)
      return a < 0.1 ? t('unit.ms', {n: Math.round(a * 1000)}) : t('unit.s', {n: two.format(a)});
    if (a < 9.95)
      return t('unit.s', {n: one.format(a)});
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
  /* On an axis there is room for one unit. */
  const tick = (s) => (s < 90 ? dur(s) : s < 5400 ? t('unit.min', {n: one.format(s / 60)}) : t('unit.h', {n: one.format(s / 3600)}));
  /* A countdown: whole seconds, so that it does not flicker. */
  const count = (s) => (!isNumber(s) ? missing : s < 60 ? t('unit.s', {n: Math.max(0, Math.ceil(s))}) : dur(Math.ceil(s)));

  /* 1 MB is 1,048,576 bytes, as in the settings. */
  function bytes(n) {
    if (!isNumber(n))
      return missing;
    const units = ['B', 'kB', 'MB', 'GB'];
    let i = 0;
    let v = n;
    for (; v >= 1024 && i < 3; i++)
      v /= 1024;
    return `${num(i === 0 ? v : Math.round(v * 10) / 10)} ${units[i]}`;
  }
  /* 98.96 % must not be said as 99 %: an objective may lie between. */
  function pct(fraction, digits = 1) {
    if (!isNumber(fraction))
      return missing;
    const p = fraction * 100;
    const shown = p < 100 && p > 90 ? Math.floor(p * 100 + 1e-6) / 100 : Math.round(p * 10 ** digits) / 10 ** digits;
    return `${two.format(shown)} %`;
  }
  const rate = (n) => (isNumber(n) ? t('unit.perS', {n: num(n)}) : missing);
  const when = (name) => (at) => (isNumber(at) ? times[name].format(at * 1000) : missing);

  return {lang, t, has, num, compact, dur, tick, count, bytes, pct, rate, missing,
    clock: when('clock'), minute: when('minute'), day: when('day'), date: when('date'), stamp: when('stamp'), weekday: when('weekday')};
}
