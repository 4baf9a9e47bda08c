/*
 * figures.js - what does one model or one client look like in numbers?
 *
 * Both carry the same figures; cards, tables and the comparison take their
 * rows from here. `better` says which of two is ahead: 1 more, -1 less.
 */
export function figures({t, ...fmt}) {
  const ok = (x) => (x.requests ? (x.outcomes?.ok ?? 0) / x.requests : null);
  const share = (digits) => (v) => (v === null ? fmt.missing : fmt.pct(v, digits));
  const row = (key, value, how, better, label = t(`fig.${key}`)) => ({key, label, value, say: (x) => how(value(x)), better});
  const half = (key, name, how, better) => ['p50', 'p95'].map((p) => row(key + p.slice(1), (x) => x[name]?.[p] ?? null, how, better));
  const [prompt50] = half('prompt', 'prompt_bytes', fmt.bytes);
  return {
    ok,
    rows: [
      row('requests', (x) => x.requests, fmt.compact), row('ok', ok, share(), 1),
      ...half('first', 'first_byte_s', fmt.dur, -1), ...half('speed', 'tokens_per_s', fmt.rate, 1),
      ...half('gap', 'token_gap_s', fmt.dur, -1), ...half('queue', 'queue_s', fmt.dur, -1), prompt50,
      row('in', (x) => x.tokens_in, fmt.compact, undefined, t('col.tokensIn')), row('out', (x) => x.tokens_out, fmt.compact, undefined, t('col.tokensOut')),
      row('streams', (x) => (x.requests ? x.streams / x.requests : null), share(0)),
      row('sent', (x) => x.sent, fmt.compact, undefined, t('col.sends')), row('refused', (x) => x.refused, fmt.compact, -1),
    ],
  };
}
