/* told.js - how is a new key told, once?  In two elements and nowhere else (a field would be kept with the history); they go when the box does. */
import {h, replace} from './dom.js';

/* Copies what an element says. Without TLS there is no clipboard but for this very machine. */
export const createCopy = ({text: {t}, notices}) => async from => {
	try {
		await navigator.clipboard.writeText(from.textContent);
	} catch {
		getSelection().selectAllChildren(from);
		if (!document.execCommand('copy')) {
			notices.say(t('keys.byHand'), 'bad');
			return;
		}
	}
	notices.say(t('keys.copied'));
};

export function createTold(app, done) {
	const {text: {t}} = app;
	const copy = createCopy(app);
	const id = `told-${app.unique()}`;
	const el = h('section.card.told', {hidden: true, tabindex: -1, 'aria-labelledby': id, 'aria-describedby': `${id}-once`});

	function line(what, text) {
		const code = h('code.secret', null, text);
		return h('div.told-line', null, code, h('button', {click: () => copy(code)}, t(`keys.copy.${what}`)));
	}
	function forget() {
		removeEventListener('pagehide', forget);
		el.hidden = true;
		replace(el);
		done();
	}
	return {
		el,
		tell(name, key) {
			replace(el, h('div.card-head', null, h('h2', {id}, t('keys.told', {name}))), h('p', {id: `${id}-once`}, t('keys.once')), line('key', key),
				h('p.faint', null, t('keys.lines')), line('lines', `OPENAI_BASE_URL=${location.origin}/v1\nOPENAI_API_KEY=${key}`),
				h('div.row-end', null, h('button.primary', {click: forget}, t('keys.close'))));
			el.hidden = false;
			el.focus();
			addEventListener('pagehide', forget);
		},
		forget: () => el.hidden || forget(),
	};
}
