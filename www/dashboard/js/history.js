/*
 * history.js - what was, over the chosen range, and how does it stay true?
 *
 * One copy for all charts.  The live range (10 minutes) is asked for each
 * second, longer ones once a step, and at most once in ten seconds.
 * Nothing is asked while nobody watches or the tab is hidden.
 */
const LIVE_POINTS = 120;

export const RANGES = {m10: 600, h1: 3600, h6: 21600, h24: 86400, d7: 604800, d30: 2592000, all: 34560000};

export function createHistory({api, prefs, isHeld}) {
  const heard = new Set();
  let range = prefs.get('range', {name: 'm10'});
  let data = null;
  let busy = false;
  let again = false;
  let askedAt = -Infinity;
  let failed = false;

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
    const got = await api.get(`/api/history?${query()}&by=upstream`);
    if (wanted !== range)
      return;
    data = range.name === 'all' ? trimmed(got) : got;
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

/* Without the empty time before there was anything to keep. */
function trimmed(d) {
  const first = Math.max(0, (d.sends ?? []).findIndex((v) => v !== null) - 1);
  const out = {...d};
  for (const [name, column] of Object.entries(d))
    if (Array.isArray(column))
      out[name] = column.slice(first);
  out.upstreams = Object.fromEntries(Object.entries(d.upstreams ?? {}).map(([name, of]) =>
    [name, Object.fromEntries(Object.entries(of).map(([key, column]) => [key, column.slice(first)]))]));
  return out;
}

export const sum = (column) => (column ?? []).reduce((a, v) => a + (v ?? 0), 0);
export const highest = (column) => (column ?? []).reduce((a, v) => Math.max(a, v ?? 0), 0);
