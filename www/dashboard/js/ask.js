/* ask.js - how is a token asked for, and how is one made sure?  Dialogs that resolve to yes or no. */
import {h, replace, setText} from './dom.js';

export function createAsk({token, text, home}) {
	const why = h('p', {id: 'ask-why'});
	const where = h('p.faint', {id: 'ask-where'});
	const label = h('label', {for: 'ask-token'});
	const input = h('input', {id: 'ask-token', type: 'password', autocomplete: 'off', spellcheck: 'false', 'aria-describedby': 'ask-why ask-where'});
	const enter = h('button.primary', {type: 'submit'});
	const leave = h('button', {click: () => el.close()});
	const title = h('h2', {id: 'ask-title'});
	const form = h('form', {method: 'dialog', submit}, title, why, where, label, input, h('div.row-end', null, leave, enter));
	const el = h('dialog.ask', {'aria-labelledby': 'ask-title', close}, form);
	let answer = null;
	let open = null;

	function submit(e) {
		e.preventDefault();
		if (!input.value.trim())
			return;
		token.set(input.value);
		answer = true;
		el.close();
	}
	function close() {
		input.value = '';
		open?.(answer === true);
		open = null;
	}
	let pending = null;
	return {
		el,
		ask(reason) {
			if (open)
				return pending;
			const {t} = text();
			answer = null;
			setText(title, t('token.title'));
			setText(why, reason);
			replace(where, t('token.where'), ' ', h('code', null, `cat ${home()}/admin.token`));
			setText(label, t('token.label'));
			setText(enter, t('token.enter'));
			setText(leave, t('token.leave'));
			pending = new Promise(done => {
				open = done;
			});
			el.showModal();
			input.focus();
			return pending;
		},
	};
}

/* What it does is said before it is done; to leave it is what Enter and Escape do. */
export function createSure({text}) {
	const title = h('h2', {id: 'sure-title'});
	const what = h('p', {id: 'sure-what'});
	const leave = h('button.primary', {click: () => el.close()});
	const go = h('button', {click: () => el.close('go')});
	const el = h('dialog.ask.sure', {role: 'alertdialog', 'aria-labelledby': 'sure-title', 'aria-describedby': 'sure-what', close: () => done?.(el.returnValue === 'go')},
		h('form', {method: 'dialog'}, title, what, h('div.row-end', null, go, leave)));
	let done = null;
	return {
		el,
		ask(say) {
			setText(title, say.title);
			setText(what, say.what);
			setText(go, say.go);
			setText(leave, text().t('sure.leave'));
			go.classList.toggle('danger', Boolean(say.danger));
			el.returnValue = '';
			el.showModal();
			leave.focus();
			return new Promise(then => {
				done = then;
			});
		},
	};
}
