/* next.js - who goes next, and when? */
import {h, keyed, part, setAttr, setText} from './dom.js';

const SHOWN = 6; /* as many as fit beside the window; more on tall screens */

export function createNextCard(app) {
	const {text: {t, ...fmt}} = app;
	const list = h('ol.next-list');
	const none = h('p.empty', {hidden: true}, t('next.nobody'));
	const all = h('a', {href: '#/requests'});

	function make() {
		return h('li', null, h('b.num.place'), h('div.who', null, h('span.client'), h('span.faint.model')),
			h('span.class'), h('b.num.eta'));
	}
	function change(li, r) {
		const [place, who, cls, eta] = li.children;
		setText(place, fmt.num(r.position));
		setText(who.children[0], r.client);
		setText(who.children[1], r.upstreams[1] ? t('next.where', {model: r.model, where: r.upstreams.join(', ')}) : r.model);
		setAttr(who, 'title', `${r.client} ${who.children[1].textContent}`);
		setText(cls, t(`class.${r.priority}`));
		cls.className = `class tag ${r.priority}`;
		setText(eta, r.eta_s === null || r.eta_s === undefined ? t('next.unknown') : t('next.in', {eta: fmt.count(r.eta_s)}));
	}
	return {
		el: part('section.card.next', t('next.title'), all, list, none),
		update(s) {
			const first = s.waiting.slice().sort((a, b) => a.position - b.position).slice(0, innerHeight >= 1200 && innerWidth > 1080 ? 2 * SHOWN - 2 : SHOWN);
			keyed(list, first, r => r.id, make, change);
			none.hidden = first.length > 0;
			setText(all, t('next.all', {waiting: s.queue.waiting, running: s.queue.running}));
		},
	};
}
