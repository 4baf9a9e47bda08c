/* state.js - what is known now, and who wants to hear of it?  While the view is held snapshots are kept, not shown. */
export function createState() {
	const heard = new Set();
	let shown = null;
	let latest = null;
	let held = false;

	function tell() {
		for (const fn of heard)
			fn(shown);
	}
	return {
		/* Takes a snapshot of the server's; what is missing is made harmless. */
		put(status) {
			latest = normal(status);
			if (held)
				return;
			shown = latest;
			tell();
		},
		get: () => shown,
		latest: () => latest,
		subscribe(fn) {
			heard.add(fn);
			return () => heard.delete(fn);
		},
		isHeld: () => held,
		hold(on) {
			held = on;
			if (!on && latest && shown !== latest) {
				shown = latest;
				tell();
			}
		},
	};
}

const list = x => (Array.isArray(x) ? x : []);

function normal(s) {
	const queue = {waiting: 0, running: 0, max: 0, classes: {}, ...s.queue};
	for (const name of ['high', 'normal', 'low'])
		queue.classes[name] = {waiting: 0, oldest_s: null, ...queue.classes[name]};
	return {...s, queue, paused: s.paused || null, limits: list(s.limits).map(l => ({...l, opens_s: list(l.opens_s)})),
		models: list(s.models), clients: list(s.clients), waiting: list(s.waiting), running: list(s.running),
		recent: list(s.recent), workers: list(s.workers), counters: s.counters ?? {}, more: s.more ?? {}};
}
