/* history.js - what was, over the chosen range, and how does it stay true?  One copy for all; nothing is asked while nobody watches. */
const LIVE_POINTS = 120;
const SEEN_S = 5;

export const RANGES = {m10: 600, h1: 3600, h6: 21600, h24: 86400, d7: 604800, d30: 2592000, all: 34560000};

export function createHistory({api, prefs, isHeld, wanted, onRange}) {
	const heard = new Set();
	const isRange = (r) => Boolean(r && (RANGES[r.name] || (r.name === 'custom' && r.to > r.from)));
	let range = [wanted, prefs.get('range', null), {name: 'm10'}].find(isRange);
	let data = null;
	let busy = false;
	let again = false;
	let askedAt = -Infinity;
	let failed = false;
	let oldest = {from: 0, ago: Infinity, at: 0}; /* that the service has, as it said last */
	const seen = {model: {t: [], step_s: SEEN_S, of: {}}, client: {t: [], step_s: SEEN_S, of: {}}};
	const before = {};

	const isLive = () => range.name === 'm10';
	const tell = () => heard.forEach((fn) => fn(data, failed));

	const age = () => oldest.ago + (performance.now() - oldest.at) / 1000;
	/* No sooner than there was anything: an hour of data fills the picture of 30 days, in fine steps. */
	function query() {
		const from = range.name === 'custom' ? `${Math.min(Math.max(range.from, oldest.from), range.to - 1)}&to=${range.to}` : -Math.ceil(Math.min(RANGES[range.name], Math.max(30, age())));
		return `/api/history?from=${from}&points=${isLive() ? LIVE_POINTS : 400}&by=upstream`;
	}

	async function whole() {
		const wanted = range;
		let got = await api.get(query());
		if (got.kept_from && got.kept_from !== oldest.from) {
			oldest = {from: got.kept_from, ago: got.to - got.kept_from, at: performance.now()};
			if (oldest.from > got.from + got.step_s)
				got = await api.get(query());
		}
		if (wanted === range)
			data = got;
	}

	/* Counters between two snapshots; before the first, what the service has ended lately. */
	function note(whose, s) {
		const {t, of} = seen[whose];
		const late = t.length ? [] : (s.recent ?? []).filter((r) => r.at > s.time - SEEN_S * (LIVE_POINTS - 1));
		const step = (at) => Math.floor(at / SEEN_S) * SEEN_S;
		const add = (name, n, at) => ((of[name] ??= t.map(() => 0))[at] += n);
		for (let at = step(Math.min(s.time, ...late.map((r) => r.at), t.length ? t.at(-1) + SEEN_S : Infinity)); at <= s.time; at += SEEN_S) {
			t.push(at);
			Object.values(of).forEach((column) => column.push(0));
		}
		late.forEach((r) => r[whose] && add(r[whose], 1, t.indexOf(step(r.at))));
		const now = {};
		for (const {name, requests} of s[`${whose}s`] ?? [])
			now[name] = (now[name] ?? 0) + (requests ?? 0);
		for (const [name, n] of Object.entries(now))
			add(name, before[whose] ? Math.max(0, n - (before[whose][name] ?? 0)) : 0, t.length - 1);
		before[whose] = now;
		[t, ...Object.values(of)].forEach((column) => column.splice(0, column.length - LIVE_POINTS));
		for (const name of Object.keys(of))
			if (!(name in now) && !sum(of[name]))
				delete of[name];
	}

	async function ask() {
		if (busy) {
			again = true;
			return;
		}
		busy = true;
		askedAt = performance.now();
		try {
			await whole();
			failed = false;
		} catch {
			failed = true;
		}
		busy = false;
		tell();
		if (again) {
			again = false;
			ask();
		}
	}

	return {
		watch(fn) {
			heard.add(fn);
			if (data)
				fn(data, failed);
			else
				ask();
			return () => heard.delete(fn);
		},
		/* By the name of each model or client, what ended while this page was open: the service keeps no past of them. */
		seen: (whose) => seen[whose],
		/* With each snapshot S: time to look again? */
		tick(s) {
			note('model', s);
			note('client', s);
			if (!heard.size || isHeld() || document.hidden || busy)
				return;
			const ended = range.name === 'custom' && range.to < Date.now() / 1000 - 120;
			const every = isLive() ? 0.9 : Math.min(60, Math.max(10, data?.step_s ?? 10));
			if (!(ended && data) && (performance.now() - askedAt) / 1000 >= every)
				ask();
		},
		range: () => range,
		setRange(next) {
			prefs.set('range', next);
			this.visit(next);
		},
		/* For now: another's choice, in an address. */
		visit(next) {
			if (!isRange(next) || JSON.stringify(next) === JSON.stringify(range))
				return;
			range = next;
			data = null;
			onRange();
			tell();
			if (heard.size)
				ask();
		},
	};
}

export const sum = (column) => (column ?? []).reduce((a, v) => a + (v ?? 0), 0);
export const highest = (column) => (column ?? []).reduce((a, v) => Math.max(a, v ?? 0), 0);
