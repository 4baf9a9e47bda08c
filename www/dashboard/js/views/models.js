/* models.js - which models do the work, how well, and which is the best in what? */
import {card, h, keyed, setAttr, setText} from '../dom.js';
import {createTable} from '../table.js';
import {createDeeds} from '../deeds.js';
import {figures} from '../figures.js';
import {standing} from '../upstreams.js';
import {createWorth} from '../worth.js';

const CARD = ['ok', 'first50', 'speed50', 'queue50'];
const RANKS = ['requests', 'ok', 'first50', 'speed50', 'out'];

export function createModels(app) {
	const {text: {t, ...fmt}, act} = app;
	const fig = figures(app.text);
	const row = key => fig.find(r => r.key === key);
	const keyOf = m => `${m.upstream}/${m.name}`;
	const worth = createWorth(app);
	let by = 'requests';
	let models = [];
	let aliases;
	let most = matchMedia('(max-width: 700px)').matches ? 3 : 8;

	const rank = h('select', {id: `rank-${app.unique()}`, change: () => {
		by = rank.value;
		show();
	}}, RANKS.map(key => h('option', {value: key}, row(key).label)));
	const cards = h('ol.model-cards');
	const none = h('p.empty', {hidden: true}, t('models.none'));
	const rest = h('button', {hidden: true, click: () => {
		most = Infinity;
		show();
	}});
	const table = createTable({caption: t('models.all'), empty: t('models.none'), sortBy: 'requests', descending: true, keyOf, t, columns: [
		{key: 'name', label: t('col.model'), value: m => m.name, cell: m => m.name, head: true, main: true},
		...fig.filter(r => !CARD.includes(r.key)).map(r => ({...r, num: true})),
		{key: 'last', label: t('fig.last'), num: true, value: m => m.last_at, cell: m => fmt.clock(m.last_at || null)}]});
	const deeds = createDeeds(app, 'model');
	const el = h('div.stack', null,
		h('section', {'aria-label': t('models.ranked')},
			h('div.section-head', null, h('h2', null, t('models.ranked')), h('span.spring'), h('label', {for: rank.id}, t('models.by')), rank), cards, rest, none),
		deeds.head, deeds.one, deeds.all,
		card(t('models.all'), h('p.card-note', null, t('models.best')), table.el), worth.el);

	function make(m) {
		const share = h('i');
		const state = h('p.model-state');
		const end = h('button.small', {click: () => act.clear({upstream: m.upstream, model: m.name}, 'held')}, t('act.end.held'),
			h('span.sr', null, ` ${m.name}`));
		return h('li.card.model', null, h('div.card-head', null, h('b.rank.num'), h('h3'), end),
			h('p.model-main', null, h('b.big'), ' ', h('span.faint')),
			h('div.meter', {'aria-hidden': 'true'}, share), state,
			h('dl.mini', null, CARD.map(key => h('div', null, h('dt', null, row(key).label), h('dd.num')))));
	}
	function change(li, {m, place, of, says}) {
		const [head, main, meter, state, list] = li.children;
		setText(head.children[0], place);
		setText(head.children[1], m.name);
		setAttr(head.children[1], 'title', `${m.name} (${m.upstream})`);
		head.children[2].hidden = !m.bench;
		setText(main.children[0], fmt.compact(m.requests));
		setText(main.children[1], t('models.share', {n: m.requests ?? 0, share: fmt.pct(of ? (m.requests ?? 0) / of : 0, 0)}));
		meter.firstChild.style.transform = `scaleX(${of ? (m.requests ?? 0) / of : 0})`;
		const now = [m.bench ? standing(app.text, m) : null,
			t('models.now', {waiting: m.waiting, running: m.in_flight}), m.ceiling ? t('models.ceiling', {n: m.ceiling}) : null,
			m.rest_s > 0 ? t('models.rest', {s: fmt.count(m.rest_s)}) : null, aka(m)];
		setText(state, now.filter(Boolean).join(' · '));
		setAttr(state, 'title', m.bench?.reason ?? null);
		li.classList.toggle('benched', Boolean(m.bench));
		CARD.forEach((key, i) => setText(list.children[i].lastChild, says[i](row(key).value(m))));
	}

	const aka = m => {
		const all = Object.keys(aliases).filter(name => aliases[name] === m.name).join(', ');
		return all && t('models.also', {all});
	};
	function ranked() {
		const r = row(by);
		return models.slice().sort((a, b) => {
			const [x, y] = [r.value(a), r.value(b)];
			if (x === null || y === null || x === undefined || y === undefined)
				return (x ?? null) === (y ?? null) ? 0 : (x ?? null) === null ? 1 : -1;
			return r.better === -1 ? x - y : y - x;
		});
	}
	function show() {
		const of = models.reduce((a, m) => a + (m.requests ?? 0), 0);
		const shown = ranked().slice(0, most);
		const says = CARD.map(key => row(key).of(shown.map(row(key).value)));
		keyed(cards, shown.map((m, i) => ({m, place: i + 1, of, says})), x => keyOf(x.m), x => make(x.m), change);
		none.hidden = models.length > 0;
		rest.hidden = shown.length === models.length;
		setText(rest, t('models.more', {n: models.length - shown.length}));
		table.set(models);
	}
	return {
		el,
		update(s) {
			({models, aliases = {}} = s);
			worth.update(s);
			show();
		},
		show: deeds.show, hide: deeds.hide, destroy: deeds.destroy,
	};
}
