/*
 * verdict.js - is it fine; and if anyone waits, why and for how long?
 *
 * Pure: a snapshot in, {tone, key, values, limit} out.  tone is `fine`,
 * `wait`, `hold` or `bad`; key and values are for text.js.  The first row
 * that applies is the one that is said: what stops everything before what
 * slows it down.
 */
const RULES = [
  (s) => s.paused && {tone: 'hold', key: 'paused', values: {age: s.paused.since_s, by: s.paused.by}},
  (s) => held(s, (l) => l.unpaid, (l) => ({key: ['key', 'away', 'faulty'].includes(l.unpaid.cause) ? 'held' : 'unpaid',
    values: {name: l.name, cause: l.unpaid.cause, ends: l.unpaid.ends_s, reason: l.unpaid.reason}})),
  (s) => held(s, (l) => l.retreat?.state === 'holding',
    (l) => ({key: 'holding', values: {ends: l.retreat.ends_s, reason: l.retreat.reason}})),
  (s) => held(s, (l) => l.retreat?.state === 'probing', (l) => ({key: 'probing', values: {reason: l.retreat.reason}})),
  (s) => s.queue.max > 0 && s.queue.waiting >= 0.9 * s.queue.max &&
    {tone: 'bad', key: 'nearlyFull', values: {n: s.queue.waiting, max: s.queue.max}},
  (s) => held(s, (l) => l.retreat?.state === 'recovering',
    (l) => ({key: 'recovering', values: {allowance: l.retreat.allowance, requests: l.requests, n: s.queue.waiting}})),
  (s) => s.queue.waiting > 0 && why(s),
  (s) => s.workers.length > 0 && s.workers.every((w) => w.stalled) && {tone: 'bad', key: 'stalled', values: {}},
  (s) => failing(s),
  (s) => ({tone: 'fine', key: s.queue.running > 0 ? 'fineRunning' : 'fine', values: {n: s.queue.running}}),
];

export function verdict(s) {
  for (const rule of RULES) {
    const found = rule(s);
    if (found)
      return found;
  }
  return null;
}

export const total = (list, key) => list.reduce((a, l) => a + (l[key] ?? 0), 0);

/* Those that share L's line and are not left alone; or L itself. */
export function company(s, l) {
  const of = s.limits.filter((o) => l.line && o.line === l.line && !o.unpaid);
  return of.length ? of : [l];
}

/* With several upstreams one that holds does not stop the others; in a line that they share it stops nobody. */
function held(s, test, say) {
  const stops = (l) => test(l) || l.unpaid || ['holding', 'probing'].includes(l.retreat?.state);
  const limit = s.limits.find((l) => test(l) && s.limits.every((o) => !l.line || o.line !== l.line || stops(o)));
  if (!limit)
    return null;
  const all = s.limits.every(stops);
  return {tone: all ? 'hold' : 'wait', limit, ...say(limit)};
}

/* The limit that is waited for, and which of its rules it is. */
export function busiest(s) {
  const waits = (l) => Object.values(l.waiting ?? {}).reduce((a, b) => a + b, 0);
  return s.limits.reduce((best, l) => (best && waits(best) >= waits(l) ? best : l), null);
}

function why(s) {
  const n = s.queue.waiting;
  const l = busiest(s);
  const say = (key, values) => ({tone: 'wait', limit: l, key, values: {n, ...values}});
  if (!l)
    return say('waiting', {});
  const of = company(s, l);
  if (of.every((o) => o.window_used >= o.requests))
    return say('windowFull', {used: total(of, 'window_used'), requests: total(of, 'requests'), window: l.window_s});
  if (of.every((o) => o.in_flight_max > 0 && o.in_flight >= o.in_flight_max))
    return say('inFlight', {max: total(of, 'in_flight_max')});
  const models = s.models.filter((m) => m.waiting > 0 && m.ceiling > 0 && m.in_flight >= m.ceiling);
  if (models.length)
    return say('ceiling', {model: models[0].name, ceiling: models[0].ceiling});
  if (l.tokens !== null && l.tokens < 1)
    return say('bucket', {});
  const [used, limit] = [total(of, 'tokens_used') + total(of, 'tokens_reserved'), total(of, 'tokens_limit')];
  if (used > limit / 2)
    return say('tokens', {used, limit});
  return say('waiting', {});
}

const FAILED = new Set(['rate', 'off', 'upstream_error', 'truncated', 'lost', 'refused']);
export const isFailure = (outcome) => FAILED.has(outcome);

/* Nobody waits; but does what ran lately come to a good end? */
function failing(s) {
  const late = s.recent.filter((r) => s.time - r.at < 300);
  const bad = late.filter((r) => isFailure(r.outcome));
  if (late.length < 5 || bad.length / late.length < 0.2)
    return null;
  const kinds = {};
  for (const r of bad)
    kinds[r.outcome] = (kinds[r.outcome] ?? 0) + 1;
  const kind = Object.keys(kinds).reduce((a, b) => (kinds[a] >= kinds[b] ? a : b));
  return {tone: 'bad', key: 'failing', values: {n: bad.length, of: late.length, kind}};
}
