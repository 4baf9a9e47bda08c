/* history.js - what was, over the chosen range, and how does it stay true?  One copy for all; nothing is asked while nobody watches. */
const LIVE_POINTS = 120;
const NAMED_S = 5; /* the finest the service has by model and client */

export const RANGES = {m10: 600, h1: 3600, h6: 21600, h24: 86400, d7: 604800, d30: 2592000, all: 34560000};

export function createHistory({api, prefs, isHeld, wanted, chosen, onRange}) {
	const heard = new Set();
	const isRange = r => Boolean(r && (RANGES[r.name] || (r.name === 'custom' && r.to > r.from)));
	let range = [wanted, prefs.get('range', null), {name: 'm10'}].find(isRange);
	let data = null;
	let busy = false;
	let again = false;
	let askedAt = -Infinity;
	let failed = false;
	let oldest = {from: 0, ago: Infinity, at: 0}; /* that the service has, as it said last */
	let by = 'upstream';
	const who = chosen; /* of models, and of clients: which one is looked at */

	const isLive = () => range.name === 'm10';
	const tell = () => heard.forEach(fn => fn(data, failed));

	const age = () => oldest.ago + (performance.now() - oldest.at) / 1000;
	/* No sooner than there was anything: an hour of data fills the picture of 30 days, in fine steps. */
	function query(name) {
		const from = range.name === 'custom' ? `${Math.min(Math.max(range.from, oldest.from), range.to - 1)}&to=${range.to}` : -Math.ceil(Math.min(RANGES[range.name], Math.max(30, age())));
		return `/api/history?from=${from}&points=${isLive() ? LIVE_POINTS : 400}&by=${by}${name ? `&name=${encodeURIComponent(name)}` : ''}`;
	}

	async function whole() {
		const key = () => JSON.stringify([range, by, who]);
		const [asked, named] = [key(), `${by}s`];
		let got = await api.get(query());
		if (got.kept_from && got.kept_from !== oldest.from) {
			oldest = {from: got.kept_from, ago: got.to - got.kept_from, at: performance.now()};
			if (oldest.from > got.from + got.step_s)
				got = await api.get(query());
		}
		if (by !== 'upstream') {
			/* The one that was chosen, else the busiest, in full. */
			got.who = who[by] ?? Object.entries(got[named]).reduce((a, [name, of]) => (sum(of.requests) > a[1] ? [name, sum(of.requests)] : a), ['', 0])[0];
			if (got.who) {
				const {t, step_s, [named]: of} = await api.get(query(got.who));
				got.one = {t, step_s, ...of[got.who]};
			}
		}
		if (asked === key())
			data = got;
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
		/* BY: upstream, model or client, whose part in it is told, too. */
		watch(fn, whose = 'upstream') {
			heard.add(fn);
			if (by !== whose)
				data = null;
			by = whose;
			if (data)
				fn(data, failed);
			else
				ask();
			return () => heard.delete(fn);
		},
		names: () => [...Object.keys(data?.clients ?? {}), by === 'client' && data?.who],
		who: () => who[by],
		setWho(name) {
			who[by] = name;
			onRange();
			ask();
		},
		/* With each snapshot: time to look again? */
		tick() {
			if (!heard.size || isHeld() || document.hidden || busy)
				return;
			const ended = range.name === 'custom' && range.to < Date.now() / 1000 - 120;
			const every = isLive() ? (by === 'upstream' ? 0.9 : NAMED_S) : Math.min(60, Math.max(10, data?.step_s ?? 10));
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

export const sum = column => (column ?? []).reduce((a, v) => a + (v ?? 0), 0);
export const highest = column => (column ?? []).reduce((a, v) => Math.max(a, v ?? 0), 0);
