/* strip.js - the verdict in words, the next step, and what can be done.  Its lines keep their place: nothing below moves. */
import {h, icon, keyed, replace, setAttr, setText} from './dom.js';
import {say} from './say.js';
import {standing} from './upstreams.js';
import {busiest, company, total} from './verdict.js';

const CHIPS_MAX = 5;
const ICONS = {fine: 'check', wait: 'clock', hold: 'pause', bad: 'bang', none: 'key'};
/* What its button ends: a retreat, or that an upstream is left alone. */
const ENDS = {hold: 'hold', probing: 'hold', recovering: 'hold', unpaid: 'held', quota: 'held', key: 'held', away: 'held', faulty: 'held'};

export function createVerdictStrip(app) {
	const {text, act, notices} = app;
	const {t, ...fmt} = text;
	const mark = h('div.mark', {'aria-hidden': 'true'});
	const head = h('h1');
	const why = h('p.why');
	const step = h('p.step');
	const bar = h('i.bar-fill');
	const progress = h('div.hold-progress', {hidden: true}, bar);
	const pause = h('button', {click: togglePause});
	const end = h('button', {hidden: true, click: () => act.clear(target, kind)});
	const enter = h('button.primary', {click: () => app.askToken(t('token.read'))}, t('tool.token'));
	const facts = h('p.facts-line');
	const chips = h('ul', {'aria-label': t('chips.label')});
	const el = h('section.verdict', {'aria-label': t('verdict.label')},
		h('div.verdict-row', null, mark, h('div.said', null, head, why, step), h('div.deeds', null, enter, end, pause)), progress, h('div.chips', null, facts, chips));
	let target = {};
	let kind = null;
	let paused = false;

	async function togglePause() {
		pause.disabled = true;
		await (paused ? act.resume() : act.pause());
		pause.disabled = false;
	}

	function follow(s, l) {
		const parts = [];
		const n = s.queue.waiting;
		const first = s.waiting.find(r => r.position === 1) ?? s.waiting[0];
		if (typeof first?.eta_s === 'number')
			parts.push(t('more.next', {client: first.client, eta: fmt.count(first.eta_s)}));
		if (typeof l?.eta_s === 'number' && !s.paused)
			parts.push(l.eta_s < 0.05 ? t('more.atOnce') : t('more.eta', {eta: fmt.count(l.eta_s)}));
		const of = l && company(s, l);
		if (!n && l)
			parts.push(t('more.free', {free: Math.max(0, total(of, 'requests') - total(of, 'window_used')), requests: total(of, 'requests')}));
		return parts.join(' · ');
	}

	const named = (name, what) => t('chip.of', {name, what});
	/* What refusals have taught, beside what is set. */
	function learned(name, what, limit) {
		return named(name, t(`chip.learned.${what.kind}`, {n: what.requests, gap: fmt.count(what.gap_s), percent: what.refused_percent,
			window: fmt.count(limit.window_s), set: limit.requests, age: fmt.count(what.age_s)}));
	}
	/* Of limits and of models: what holds it, and what was learned of it. */
	function conditions(s) {
		const out = [];
		const put = (x, limit, model) => {
			const {name} = x;
			const clear = {upstream: x.upstream, ...((model || name !== x.upstream) && {model: name})};
			const held = x.bench ?? x.unpaid;
			if (held)
				out.push({key: `u${x.upstream}/${name}`, tone: 'hold', what: named(name, standing(text, x)), why: held.reason, clear, kind: 'held'});
			if (x.retreat && x.retreat.state !== 'normal')
				out.push({key: `r${x.upstream}/${name}`, tone: 'hold', what: named(name, standing(text, {retreat: x.retreat})), why: x.retreat.reason, clear, kind: 'hold'});
			if (x.learned && x.learned.kind !== 'as_set')
				out.push({key: `l${x.upstream}/${name}`, tone: 'bench', what: learned(name, x.learned, limit),
					adopt: !model && name === x.upstream && x.learned.requests > 0 && x.learned.requests !== x.requests ? x : null});
		};
		s.limits.forEach(l => put(l, l));
		s.models.forEach(m => put(m, s.limits.find(l => l.upstream === m.upstream) ?? {requests: 0, window_s: 0}, true));
		const stalled = s.workers.filter(w => w.stalled).length;
		if (stalled)
			out.push({key: 'w', tone: 'bad', what: t('chip.stalled', {n: stalled})});
		if (out.length > CHIPS_MAX)
			out.splice(CHIPS_MAX - 1, Infinity, {key: 'more', tone: 'bench', what: t('chip.more', {n: out.length - CHIPS_MAX + 1})});
		return out;
	}
	function makeChip(c) {
		const [label, deed] = c.adopt ? ['chip.adopt', () => act.adopt(c.adopt)] : [`act.end.${c.kind}`, () => act.clear(c.clear, c.kind)];
		return h(`li.chip.tone-${c.tone}`, null, h('span'), h('span.why'),
			(c.adopt || c.clear) && h('button.small', {click: deed}, t(label), h('span.sr', null, ` ${c.what.split(':')[0]}`)));
	}
	function tone(name) {
		if (el.dataset.tone !== name)
			replace(mark, icon(ICONS[name]));
		setAttr(el, 'data-tone', name);
	}

	return {
		el,
		/* Nothing is known yet, for want of CODE: `connecting`, or `token`. */
		blank(code) {
			tone('none');
			setText(head, t(`word.${code}`));
			setText(why, code === 'token' ? t('why.token') : '');
			enter.hidden = code !== 'token';
			pause.hidden = true;
		},
		update(s) {
			const v = say(text, s);
			tone(v.tone);
			setText(head, v.head);
			setText(why, v.why);
			setText(step, `→ ${v.step}`);
			setText(facts, follow(s, v.limit ?? busiest(s)));
			notices.announce(`${v.code}${v.tone}`, () => `${v.head}. ${v.why} ${v.step}`);

			paused = Boolean(s.paused);
			setText(pause, t(paused ? 'act.resume' : 'act.pause'));
			pause.classList.toggle('primary', paused);
			pause.hidden = false;
			enter.hidden = true;
			kind = v.limit && ENDS[v.code];
			end.hidden = !kind;
			if (kind) {
				setText(end, t(`act.end.${kind}`));
				target = {upstream: v.limit.upstream, ...(v.limit.name !== v.limit.upstream && {model: v.limit.name})};
			}
			const hold = v.code === 'hold' && v.values.ends > 0 ? v.limit.retreat : null;
			progress.hidden = !hold;
			if (hold)
				bar.style.transform = `scaleX(${hold.ends_s / Math.max(hold.ends_s, hold.ends_s + hold.age_s)})`;
			keyed(chips, conditions(s), c => c.key, makeChip, (li, c) => {
				setText(li.firstChild, c.what);
				setText(li.children[1], c.why);
				li.children[1].hidden = !c.why;
				setAttr(li, 'title', [c.what, c.why].filter(Boolean).join(': '));
			});
		},
	};
}
