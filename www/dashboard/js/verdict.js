/* verdict.js - is it fine; and if anyone waits, why and for how long?  Pure: a snapshot in, {code, tone, limit, values} out. */

/* The service says it in a word; what it is here, where that differs. */
const CODE = {state_trouble: 'state', store_lost: 'store', key_refused: 'key', upstream_away: 'away', queue_nearly_full: 'full', busy_model: 'model', learned_lower: 'learned',
	running: 'fine', idle: 'fine'};
/* One word of it is several things to do. */
const FINER = {
	fine: s => isFirst(s) && 'first',
	state: s => s.workers.length > 0 && s.workers.every(w => w.stalled) && 'stalled',
	unpaid: (s, l) => l?.unpaid?.cause === 'quota' && 'quota',
	away: (s, l) => l?.unpaid?.cause === 'faulty' && 'faulty',
	hold: (s, l) => l?.retreat?.state === 'probing' && 'probing',
};

/* One of before there were words says little, and nothing that is not so. */
function told(s) {
	const waiting = s.queue.waiting;
	return s.verdict ?? (s.paused ? {word: 'paused', tone: 'hold'} : waiting ? {word: 'turn', tone: 'wait'} : {word: 'idle', tone: 'fine'});
}

export function verdict(s) {
	const v = told(s);
	const limit = s.limits.find(l => l.upstream === v.upstream) ?? busiest(s);
	const code = CODE[v.word] ?? v.word;
	const late = s.recent.filter(r => s.time - r.at < 300);
	return {...v, code: FINER[code]?.(s, limit) || code, limit, values: {...limitValues(s, limit), ends: v.ends_s, age: s.paused?.since_s, running: s.queue.running, status: limit?.key?.status ?? '401/403',
		said: limit?.key?.message, waiting: s.queue.waiting, max: s.queue.max, workers: s.workers.length, failed: late.filter(r => isFailure(r.outcome)).length, of: late.length}};
}

export const total = (list, key) => list.reduce((a, l) => a + (l[key] ?? 0), 0);
/* How many sends a window of L may hold now: fewer than are set while it recovers, or where less was learned. */
export const allowed = l => Math.min(l.requests, l.retreat?.allowance || l.requests);
/* Has nothing come yet? */
export const isFirst = s => s.counters.joined === 0 && !s.recent.length && !s.queue.waiting && !s.queue.running;
const FAILED = new Set(['rate', 'off', 'upstream_error', 'upstream_key', 'truncated', 'lost', 'refused']);
export const isFailure = outcome => FAILED.has(outcome);

/* Those that share L's line and are not left alone; or L itself. */
export function company(s, l) {
	const of = s.limits.filter(o => l.line && o.line === l.line && !o.unpaid);
	return of.length ? of : [l];
}

/* The limit that is waited for most. */
export function busiest(s) {
	const waits = l => Object.values(l.waiting ?? {}).reduce((a, b) => a + b, 0);
	return s.limits.reduce((best, l) => (best && waits(best) >= waits(l) ? best : l), null);
}

/* What can be said of L, and of those in its company. */
function limitValues(s, l) {
	const of = l ? company(s, l) : [];
	const sum = key => total(of, key);
	return {name: l?.name, window: l?.window_s, learned: l?.learned?.requests, used: sum('window_used'), requests: sum('requests'), in_flight: sum('in_flight_max'), allowance: of.reduce((a, o) => a + allowed(o), 0),
		taken: sum('tokens_used') + sum('tokens_reserved'), tokens: sum('tokens_limit')};
}

/* Who waits, by cause, the most first: {cause, waiting, next, last, values}. */
export function causes(s) {
	return (s.waiting_by_cause ?? (s.queue.waiting ? [{cause: 'turn', waiting: s.queue.waiting, next_eta_s: s.waiting[0]?.eta_s}] : [])).map(g => ({
		cause: g.cause, waiting: g.waiting, next: g.next_eta_s, last: g.last_eta_s,
		values: {...limitValues(s, s.limits.find(l => l.upstream === g.upstream) ?? busiest(s)), model: g.model, client: g.client,
			ceiling: s.models.find(m => m.name === g.model && (!g.upstream || m.upstream === g.upstream))?.ceiling || null}}));
}
