/* upstreams.js - how does each upstream stand, all at once?  Keys of one pool under its name.  Not shown where there is one. */
import {card, h, keyed, meter, setAttr, setText} from './dom.js';
import {total} from './verdict.js';

/* What holds limit or model X, in words; null: nothing does. */
export function standing({t, ...fmt}, x) {
	const count = of => ({...of, ends: fmt.count(of.ends_s)});
	if (x.bench)
		return t('up.bench', count(x.bench));
	if (x.unpaid)
		return `${t(`held.${x.unpaid.cause ?? 'unpaid'}`)}, ${t(x.unpaid.ends_s ? 'up.try' : 'up.trying', count(x.unpaid))}`;
	return x.retreat && x.retreat.state !== 'normal' ? t(`up.${x.retreat.state}`, count(x.retreat)) : null;
}

export function createUpstreams(app) {
	const {text: {t, ...fmt}} = app;
	const list = h('ul.upstreams');
	const el = card(t('up.title'), list);
	el.hidden = true;

	/* Those of a pool together, behind a row of its own; a model's window has no pool. */
	function rows(s) {
		const groups = Map.groupBy(s.limits, l => (l.name === l.upstream ? l.pool ?? l.name : `${l.upstream} ${l.name}`));
		return [...groups].flatMap(([name, of]) => of.length > 1
			? [{key: `pool ${name}`, name, of}, ...of.sort((a, b) => a.pool_key - b.pool_key).map(l => ({key: l.name, name: t('up.key', {n: l.pool_key}), of: [l], is: 'key'}))]
			: [{key: name, name: of[0].name, of}]);
	}
	function state(r) {
		const [l] = r.of;
		if (r.of.length > 1)
			return t('up.keys', {n: r.of.length, free: r.of.filter(k => !k.unpaid).length});
		const held = standing(app.text, l);
		if (held)
			return held;
		return l.next_slot_s > 0 ? t('up.full', {next: fmt.count(l.next_slot_s)}) : t('up.open');
	}
	function make() {
		const bar = () => h('span.much', null, meter(h('i.soft'), h('i')), h('span.num'));
		return h('li', null, h('b'), h('span.state'), bar(), bar(), h('span.faint.num'));
	}
	/* PARTS: all that is taken, and what of it is not only reserved. */
	function put(el, said, ...parts) {
		setText(el.lastChild, said);
		parts.forEach((n, i) => (el.firstChild.children[i].style.transform = `scaleX(${Math.min(1, n || 0)})`));
	}
	function change(li, r, all) {
		const [name, said, window, tokens, went] = li.children;
		const sum = key => total(r.of, key);
		const [used, reserved, limit] = ['tokens_used', 'tokens_reserved', 'tokens_limit'].map(sum);
		const n = total(r.of.map(l => l.went), 'minute');
		setText(name, r.name);
		setText(said, state(r));
		setAttr(said, 'title', r.of[0].unpaid?.reason ?? null);
		put(window, t('window.used', {used: sum('window_used'), requests: sum('requests')}), 0, sum('window_used') / sum('requests'));
		put(tokens, t('up.tokens', {used: fmt.compact(used), reserved: fmt.compact(reserved), limit: fmt.compact(limit)}), (used + reserved) / limit, used / limit);
		setAttr(tokens, 'class', limit ? 'much' : 'much none');
		setText(went, r.of[0].name === r.of[0].upstream ? t('up.went', {share: fmt.pct(all ? n / all : 0, 0), n}) : '');
		setAttr(li, 'class', r.is);
		setAttr(li, 'data-held', r.of.every(l => l.unpaid) ? 'yes' : null);
	}
	return {
		el,
		update(s) {
			const each = new Map(s.limits.map(l => [l.upstream, l.went]));
			const all = total([...each.values()], 'minute');
			el.hidden = each.size < 2;
			keyed(list, rows(s), r => r.key, make, (li, r) => change(li, r, all));
		},
	};
}
