/* shell.js - what stands around every view: is it fine, where am I, is it live? */
import {h, icon, setAttr, setText, replace} from './dom.js';
import {picture} from './picture.js';
import {place} from './place.js';
import {LANGUAGES} from './text.js';
import {createVerdictStrip} from './strip.js';
import {createNow} from './views/now.js';
import {createRequests} from './views/requests.js';
import {createModels} from './views/models.js';
import {createClients} from './views/clients.js';
import {createReliability} from './views/reliability.js';
import {createCapacity} from './views/capacity.js';
import {createKeys} from './views/keys.js';
import {createSettings} from './views/settings.js';

const VIEWS = {now: createNow, requests: createRequests, models: createModels, clients: createClients,
	reliability: createReliability, capacity: createCapacity, keys: createKeys, settings: createSettings};
const LOST_S = 5;

export function createShell(app) {
	const {text: {t, ...fmt}, state, stream, theme} = app;
	const strip = createVerdictStrip(app);
	const links = Object.fromEntries(Object.keys(VIEWS).map(name => [name, h('a', {href: `#/${name}`}, t(`nav.${name}`))]));
	const main = h('main', {id: 'main', tabindex: -1});
	const made = {};
	let current = null;

	const holdLabel = h('span');
	const hold = h('button.tool', {click: toggleHold}, icon('still'), holdLabel);
	const themeLabel = h('span.sr');
	const themeButton = h('button.tool.square', {click: () => {
		theme.next();
		tools();
	}}, icon('theme'), themeLabel);
	const language = h('select', {'aria-label': t('tool.language'), change: e => app.setLanguage(e.target.value)},
		Object.entries(LANGUAGES).map(([code, name]) => h('option', {value: code, lang: code, selected: code === fmt.lang}, name)));
	const keyLabel = h('span.sr');
	const keyButton = h('button.tool.square', {click: () => app.askToken(t('token.needed'))}, icon('key'), keyLabel);
	const shot = h('button.tool.square', {title: t('tool.picture'), click() {
		const s = state.get();
		const names = [...app.history.names(), ...(s ? [s.waiting, s.running, s.recent].flat().map(r => r.client) : [])];
		picture(el, names, `sluice-${current}-${new Date().toISOString().slice(0, 19).replace(/\D/g, '')}`, theme.isDark(), n => t('tool.client', {n}));
	}}, icon('shot'), h('span.sr', null, t('tool.picture')));
	const skip = h('button.skip', {click: () => main.focus()}, t('tool.skip'));
	const head = h('header.top', null, skip,
		h('a.brand', {href: '#/now'}, h('img', {src: 'icon.svg', alt: '', width: 24, height: 24}), 'Sluice'),
		h('nav', {'aria-label': t('nav.label')}, Object.values(links)),
		h('div.tools', null, hold, shot, keyButton, themeButton, language));

	const live = h('span.live');
	const about = h('span');
	const foot = h('footer', null, live, about);

	const lostWhat = h('p.lost-what', {id: 'lost-what'});
	const lostStep = h('p');
	const lostWhen = h('p.num');
	const lostNext = h('p.num.faint');
	const lostNow = h('button.primary', {click: () => (stream.isDenied() ? app.askToken(t('token.read')) : stream.retry())});
	const lost = h('div.lost', {hidden: true, role: 'region', 'aria-labelledby': 'lost-what'},
		h('div.lost-card', null, lostWhat, lostStep, lostWhen, lostNext, lostNow));
	const el = h('div.shell', null, head, strip.el, main, foot, lost);

	function toggleHold() {
		state.hold(!state.isHeld());
		tools();
	}
	function tools() {
		const held = state.isHeld();
		setAttr(hold, 'aria-pressed', String(held));
		setText(holdLabel, t(held ? 'tool.held' : 'tool.hold'));
		setText(themeLabel, t(`tool.theme.${theme.choice()}`));
		setAttr(themeButton, 'title', t(`tool.theme.${theme.choice()}`));
		setText(keyLabel, t('tool.token'));
		setAttr(keyButton, 'title', t('tool.token'));
		setAttr(hold, 'title', t('tool.hold.why'));
		el.classList.toggle('is-held', held);
	}

	function route() {
		const wanted = place.view();
		const name = Object.hasOwn(VIEWS, wanted) ? wanted : 'now';
		if (name === current) {
			note();
			return;
		}
		const first = current === null;
		made[current]?.hide?.();
		current = name;
		made[name] ??= VIEWS[name](app);
		replace(main, h('h2.sr', null, t(`nav.${name}`)), made[name].el);
		el.dataset.view = name;
		shot.disabled = name === 'keys';
		for (const [key, a] of Object.entries(links))
			setAttr(a, 'aria-current', key === name ? 'page' : null);
		links[name].scrollIntoView?.({block: 'nearest', inline: 'nearest'});
		made[name].show?.();
		note();
		if (state.get())
			made[name].update?.(state.get());
		if (!first) {
			main.focus({preventScroll: true});
			scrollTo(0, 0);
		}
	}

	const note = () => place.put(current, app.history.range(), current === 'models' || current === 'clients' ? app.history.who() : null);

	function title(s) {
		const n = s.queue.waiting;
		const text = `${n > 0 ? `(${n}) ` : ''}${s.paused ? `${t('title.paused')} · ` : ''}Sluice`;
		if (document.title !== text)
			document.title = text;
	}

	tools();
	strip.blank('connecting');
	el.classList.add('is-blank');
	return {
		el, route, note,
		update(s) {
			el.classList.remove('is-blank');
			title(s);
			strip.update(s);
			made[current]?.update?.(s);
			setText(about, [t('foot.version', {version: s.version}), t('foot.up', {time: fmt.dur(s.uptime)}),
				t('foot.workers', {n: s.workers.length}), ...(s.shared ? [t('foot.hosts', {n: s.shared.host_count, list: s.shared.hosts.map(h => `${h.name} ${h.waiting}`).join(', ')})] : [])].join(' · '));
		},
		pulse() {
			const late = stream.late();
			const last = state.latest();
			const blank = !last && (stream.isDenied() ? 'token' : 'connecting');
			const isLost = late > LOST_S && blank !== 'token';
			if (blank)
				strip.blank(blank);
			el.classList.toggle('is-blank', Boolean(blank));
			if (isLost) {
				const broken = stream.problem()?.code === 'sluice_state';
				setText(lostWhat, stream.isDenied() ? t('token.read') : broken ? stream.problem().message : t('lost.what'));
				setText(lostStep, t(broken ? 'step.stalled' : 'lost.step'));
				lostStep.hidden = stream.isDenied();
				setText(lostNow, t(stream.isDenied() ? 'tool.token' : 'lost.now'));
				setText(lostWhen, last ? t('lost.when', {at: fmt.clock(last.time), ago: fmt.count(late)}) : t('lost.never'));
				setText(lostNext, stream.nextTryIn() > 0.05 ? t('lost.next', {s: fmt.count(stream.nextTryIn())}) : t('lost.trying'));
				if (!document.title.startsWith('⚠'))
					document.title = `⚠ ${document.title}`;
			} else if (document.title.startsWith('⚠') && last) {
				title(last);
			}
			if (isLost)
				app.notices.announce('lost', () => `${lostWhat.textContent}. ${lostWhen.textContent}`);
			if (lost.hidden === isLost)
				lost.hidden = !isLost;
			el.classList.toggle('is-lost', isLost);
			setText(live, blank && !isLost ? t(`word.${blank}`) : isLost ? t('foot.lost') : state.isHeld() ? t('foot.held', {at: fmt.clock(state.get()?.time)})
				: t(stream.isPolling() ? 'foot.polling' : 'foot.live', {at: fmt.clock(last?.time)}));
		},
		destroy() {
			for (const view of Object.values(made)) {
				view.hide?.();
				view.destroy?.();
			}
		},
	};
}
