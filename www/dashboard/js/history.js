/*
 * history.js - what was, over the chosen range, and how does it stay true?
 *
 * One copy for all charts.  In the live range (10 minutes) only
 * the last steps are asked for each second and laid over the end; longer
 * ranges are asked for anew, at most once a step and once in ten seconds.
 * Nothing is asked while nobody watches or the tab is hidden.
 */
const LIVE_POINTS = 120;
const TAIL = {from: 25, points: 5}; /* steps of the same length */

export const RANGES = {m10: 600, h1: 3600, h6: 21600, h24: 86400, d7: 604800, d30: 2592000, all: 34560000};

export function createHistory({api, prefs, isHeld}) {
  const heard = new Set();
  let range = prefs.get('range', {name: 'm10'});
  let data = null;
  let busy = false;
  let again = false;
  let askedAt = -Infinity;
  let failed = false;
  let wholeAt = 0;

  if (!RANGES[range.name] && !(range.name === 'custom' && range.to > range.from))
    range = {name: 'm10'};

  const isLive = () => range.name === 'm10';
  const tell = () => heard.forEach((fn) => fn(data, failed));

  function query() {
    if (range.name === 'custom')
      return `from=${range.from}&to=${range.to}&points=400`;
    return `from=-${RANGES[range.name]}&points=${isLive() ? LIVE_POINTS : 400}`;
  }

  async function whole() {
    const wanted = range;
    const got = await api.get(`/api/history?${query()}`);
    if (wanted !== range)
      return;
    data = range.name === 'all' ? trimmed(got) : got;
    wholeAt = performance.now();
  }

  async function tail() {
    const wanted = range;
    const got = await api.get(`/api/history?from=-${TAIL.from}&points=${TAIL.points}`);
    if (wanted !== range || !data || got.step_s !== data.step_s) {
      data = null;
      return;
    }
    data = joined(data, got, data.t.length);
  }

  async function ask() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    askedAt = performance.now();
    try {
      if (isLive() && data && performance.now() - wholeAt < 60000)
        await tail();
      else
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
    /* With each snapshot: time to look again? */
    tick() {
      if (!heard.size || isHeld() || document.hidden || busy)
        return;
      const ended = range.name === 'custom' && range.to < Date.now() / 1000 - 120;
      const every = isLive() ? 0.9 : Math.min(60, Math.max(10, data?.step_s ?? 10));
      if (!(ended && data) && (performance.now() - askedAt) / 1000 >= every)
        ask();
    },
    range: () => range,
    setRange(next) {
      range = next;
      data = null;
      prefs.set('range', next);
      tell();
      ask();
    },
  };
}

/* The tail laid over the end of WAS, no longer than MAX steps. */
function joined(was, tail, max) {
  const out = {...was, to: tail.to};
  const keep = was.t.findIndex((t) => t >= tail.t[0]);
  const upTo = keep < 0 ? was.t.length : keep;
  for (const [name, column] of Object.entries(tail)) {
    if (!Array.isArray(column) || !Array.isArray(was[name]))
      continue;
    const all = was[name].slice(0, upTo).concat(column);
    out[name] = all.slice(Math.max(0, all.length - max));
  }
  return out;
}

/* Without the empty time before there was anything to keep. */
function trimmed(d) {
  const first = Math.max(0, (d.sends ?? []).findIndex((v) => v !== null) - 1);
  const out = {...d};
  for (const [name, column] of Object.entries(d))
    if (Array.isArray(column))
      out[name] = column.slice(first);
  return out;
}

export const sum = (column) => (column ?? []).reduce((a, v) => a + (v ?? 0), 0);
export const highest = (column) => (column ?? []).reduce((a, v) => Math.max(a, v ?? 0), 0);
