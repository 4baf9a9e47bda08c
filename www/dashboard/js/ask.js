/*
 * ask.js - how is a token asked for?
 *
 * A dialog; it resolves to whether one was entered.  Asked twice at once, it
 * is one dialog.
 */
import {h, setText} from './dom.js';

export function createAsk({token, text}) {
  const why = h('p', {id: 'ask-why'});
  const label = h('label', {for: 'ask-token'});
  const input = h('input', {id: 'ask-token', type: 'password', autocomplete: 'off', spellcheck: 'false', 'aria-describedby': 'ask-why'});
  const enter = h('button.primary', {type: 'submit'});
  const leave = h('button', {click: () => el.close()});
  const title = h('h2', {id: 'ask-title'});
  const form = h('form', {method: 'dialog', submit}, title, why, label, input, h('div.row-end', null, leave, enter));
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
      setText(label, t('token.label'));
      setText(enter, t('token.enter'));
      setText(leave, t('token.leave'));
      pending = new Promise((done) => {
        open = done;
      });
      el.showModal();
      input.focus();
      return pending;
    },
  };
}
