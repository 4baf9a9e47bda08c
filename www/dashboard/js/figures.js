/* figures.js - what does one model or one client look like in numbers?  `better` says which of two is ahead: 1 more, -1 less. */
export function figures({t, ...fmt}) {
	const ok = x => (x.requests ? (x.outcomes?.ok ?? 0) / x.requests : null);
	const share = digits => ({of: () => v => fmt.pct(v, digits)});
	const row = (key, value, {of}, better, label = t(`fig.${key}`)) => ({key, label, value, of, better});
	const half = (key, name, how, better) => ['p50', 'p95'].map(p => row(key + p.slice(1), x => x[name]?.[p] ?? null, how, better, `${t(`fig.${key}`)} ${p}`));
	return [
		row('requests', x => x.requests, fmt.counts), row('minute', x => x.minute, fmt.counts, undefined, t('col.minute')), row('ok', ok, share(2), 1),
		...half('first', 'first_byte_s', fmt.times, -1), ...half('speed', 'tokens_per_s', fmt.rates, 1),
		...half('gap', 'token_gap_s', fmt.times, -1), ...half('queue', 'queue_s', fmt.times, -1),
		...half('prompt', 'prompt_bytes', fmt.sizes),
		row('in', x => x.tokens_in, fmt.counts, undefined, t('col.tokensIn')), row('out', x => x.tokens_out, fmt.counts, undefined, t('col.tokensOut')),
		row('told', toldShare, share(0)), row('streams', x => (x.requests ? x.streams / x.requests : null), share(0)),
		row('sent', x => x.sent, fmt.counts, undefined, t('col.sends')), row('refused', x => x.refused, fmt.counts, -1),
	];
}

/* The part of X's answers that told their tokens; null: not known. */
const toldShare = x => (x.answers ? (x.answers_told ?? 0) / x.answers : null);
/* That sums of tokens are not of all answers; '' where they are, or an older service does not say. */
export const coverage = (t, answers, told) => (answers > 0 && told < answers ? t('tokens.of', {told, answers}) : '');
