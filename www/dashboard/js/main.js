/*
 * main.js - what is there, and how does a second pass?
 *
 * Makes the parts and joins them; no part knows another but through `app`.
 * Each second: the stream gives a snapshot, state keeps it, the shell and the
 * view that is shown say it.
 */
import {createActions} from './actions.js';
import {createApi} from './api.js';
import {createAsk} from './ask.js';
import {createHistory} from './history.js';
import {createNotices} from './notices.js';
import {createPrefs} from './prefs.js';
import {createShell} from './shell.js';
import {createState} from './state.js';
import {createStream} from './stream.js';
import {createText, preferredLanguage} from './text.js';
import {createTheme} from './theme.js';
import {createToken, takeTokenFromUrl} from './token.js';

function start() {
  const token = createToken();
  takeTokenFromUrl(token);
  const prefs = createPrefs();
  const theme = createTheme(prefs);
  const api = createApi(token);
  const state = createState();
  const notices = createNotices();
  const history = createHistory({api, prefs, isHeld: state.isHeld});
  let text = createText(prefs.get('lang', null) ?? preferredLanguage(navigator.languages));
  const asking = createAsk({token, text: () => text});
  const askToken = async (reason) => {
    const entered = await asking.ask(reason);
    if (entered)
      stream.retry();
    return entered;
  };
  const act = createActions({api, askToken, notices, text: () => text});
  let refused = false;
  const stream = createStream({api,
    onStatus(status) {
      refused = false;
      state.put(status);
      history.tick();
    },
    onError(e) {
      if (e.status === 401 && !refused) {
        refused = true;
        const had = token.get();
        token.set('');
        askToken(text.t(had ? 'token.wrong' : 'token.read')).then((entered) => {
          refused = !entered; /* who declined is not asked again */
        });
      }
    }});

  let shell = null;
  let count = 0;
  function build() {
    shell?.destroy();
    document.documentElement.lang = text.lang === 'zh' ? 'zh-CN' : 'en';
    const app = {text, theme, prefs, api, state, history, act, notices, stream, token, askToken, setLanguage,
      unique: () => ++count};
    shell = createShell(app);
    document.body.replaceChildren(shell.el, notices.el, asking.el);
    shell.route();
    if (state.get())
      shell.update(state.get()); /* no other may come: the view is held, or the stream lost */
  }
  function setLanguage(lang) {
    prefs.set('lang', lang);
    text = createText(lang);
    build();
  }
  build();
  state.subscribe((s) => shell.update(s));
  addEventListener('hashchange', () => {
    takeTokenFromUrl(token);
    shell.route();
  });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden)
      stream.retry();
  });
  setInterval(() => shell.pulse(), 500);
  stream.start();
}

start();
