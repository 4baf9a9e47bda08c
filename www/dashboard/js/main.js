/* main.js - what is there, and how does a second pass?  Makes the parts and joins them; none knows another but through `app`. */
import {createActions} from './actions.js';
import {createApi} from './api.js';
import {createAsk, createSure} from './ask.js';
import {createHistory} from './history.js';
import {createNotices} from './notices.js';
import {place} from './place.js';
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
	const history = createHistory({api, prefs, isHeld: state.isHeld, wanted: place.range(), chosen: place.who(), onRange: () => shell.note()});
	let text = createText(prefs.get('lang', null) ?? preferredLanguage(navigator.languages));
	/* Where the token lies, as far as it is told to who may read. */
	let home = '/var/lib/sluice';
	const asking = createAsk({token, text: () => text, home: () => home});
	const sure = createSure({text: () => text});
	const askToken = async reason => {
		const entered = await asking.ask(reason);
		if (entered) {
			config = null; /* it may be told now */
			stream.retry();
		}
		return entered;
	};
	const act = createActions({api, token, askToken, sure: sure.ask, notices, text: () => text});
	/* Once: what the page takes from it is not changed while the service runs. */
	let config = null;
	const settings = () => (config ??= api.get('/api/config').then(c => {
		home = c.data_dir?.value || home;
		return c;
	}, () => ({})));
	let refused = false;
	const stream = createStream({api,
		onStatus(status) {
			refused = false;
			settings();
			history.tick();
			state.put(status);
		},
		onError(e) {
			if (e.status === 401 && !refused) {
				refused = true;
				const had = token.get();
				token.set('');
				askToken(text.t(had ? 'token.wrong' : 'token.read')).then(entered => {
					refused = !entered; /* who declined is not asked again */
				});
			}
		}});

	let shell = null;
	let count = 0;
	function build() {
		shell?.destroy();
		document.documentElement.lang = text.lang === 'zh' ? 'zh-CN' : 'en';
		const app = {text, theme, prefs, api, state, history, act, notices, stream, token, askToken, sure: sure.ask, settings, setLanguage,
			unique: () => ++count};
		shell = createShell(app);
		document.body.replaceChildren(shell.el, notices.el, asking.el, sure.el);
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
	state.subscribe(s => shell.update(s));
	for (const moved of ['hashchange', 'popstate'])
		addEventListener(moved, () => {
			takeTokenFromUrl(token);
			history.visit(place.range());
			shell.route();
		});
	document.addEventListener('visibilitychange', () => {
		if (!document.hidden)
			stream.retry();
	});
	/* What is kept for going back keeps no connection. */
	addEventListener('pagehide', stream.stop);
	addEventListener('pageshow', stream.start);
	setInterval(() => shell.pulse(), 500);
	stream.start();
}

start();
