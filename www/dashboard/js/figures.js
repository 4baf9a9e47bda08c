/*
 * figures.js - what does one model or one client look like in numbers?
 *
 * Both carry the same figures; cards, tables and the comparison take their
 * rows from here. `better` says which of two is ahead: 1 more, -1 less.
 */
export function figures({t, ...fmt}) {
  const p = (name, part, how) => (x) => (x[name] ? how(x[name][part]) : fmt.missing);
  const raw = (name, part) => (x) => x[name]?.[part] ?? null;
  const ok = (x) => (x.requests ? (x.outcomes?.ok ?? 0) / x.requests : null);
  return {
    ok,
    rows: [
      {key: 'requests', label: t('fig.requests'), value: (x) => x.requests, say: (x) => fmt.compact(x.requests)},
      {key: 'ok', label: t('fig.ok'), value: ok, say: (x) => (ok(x) === null ? fmt.missing : fmt.pct(ok(x))), better: 1},
      {key: 'first50', label: t('fig.first50'), value: raw('first_byte_s', 'p50'), say: p('first_byte_s', 'p50', fmt.dur), better: -1},
      {key: 'first95', label: t('fig.first95'), value: raw('first_byte_s', 'p95'), say: p('first_byte_s', 'p95', fmt.dur), better: -1},
      {key: 'speed50', label: t('fig.speed50'), value: raw('tokens_per_s', 'p50'), say: p('tokens_per_s', 'p50', fmt.rate), better: 1},
      {key: 'speed95', label: t('fig.speed95'), value: raw('tokens_per_s', 'p95'), say: p('tokens_per_s', 'p95', fmt.rate), better: 1},
      {key: 'gap50', label: t('fig.gap50'), value: raw('token_gap_s', 'p50'), say: p('token_gap_s', 'p50', fmt.dur), better: -1},
      {key: 'gap95', label: t('fig.gap95'), value: raw('token_gap_s', 'p95'), say: p('token_gap_s', 'p95', fmt.dur), better: -1},
      {key: 'queue50', label: t('fig.queue50'), value: raw('queue_s', 'p50'), say: p('queue_s', 'p50', fmt.dur), better: -1},
      {key: 'queue95', label: t('fig.queue95'), value: raw('queue_s', 'p95'), say: p('queue_s', 'p95', fmt.dur), better: -1},
      {key: 'prompt50', label: t('fig.prompt50'), value: raw('prompt_bytes', 'p50'), say: p('prompt_bytes', 'p50', fmt.bytes)},
      {key: 'in', label: t('col.tokensIn'), value: (x) => x.tokens_in, say: (x) => fmt.compact(x.tokens_in)},
      {key: 'out', label: t('col.tokensOut'), value: (x) => x.tokens_out, say: (x) => fmt.compact(x.tokens_out)},
      {key: 'streams', label: t('fig.streams'), value: (x) => (x.requests ? x.streams / x.requests : null),
        say: (x) => (x.requests ? fmt.pct(x.streams / x.requests, 0) : fmt.missing)},
      {key: 'sent', label: t('col.sends'), value: (x) => x.sent, say: (x) => fmt.compact(x.sent)},
      {key: 'refused', label: t('fig.refused'), value: (x) => x.refused, say: (x) => fmt.compact(x.refused), better: -1},
    ],
  };
}
