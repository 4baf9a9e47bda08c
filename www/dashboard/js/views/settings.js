/* settings.js - what is set, where does it come from, and change it.  Several changes go together: the server takes all or none. */
import {blame, h, replace, setAttr, setText} from '../dom.js';
import {check, same} from '../check.js';

const GROUPS = [['upstreams', /^upstreams\./], ['queue', /^queue\./], ['waiting', /^(commit_after_s|heartbeat_s|buffered_keepalive|max_body_mb)$/],
	['upstream', /^(timeouts|retry|retreat)\.|^(prefer|affinity_s|fallbacks|model_alias|usage)/], ['ready', /^ready\./], ['access', /^(admin\.|anonymous$|hosts$|origins$|trusted_proxies$|client_)/], ['service', /./], ['fixed', /^$/]];

export function createSettings(app) {
	const {text, api, act, notices} = app;
	const {t, has} = text;
	const groups = h('div.groups');
	const nav = h('div.deeds', {role: 'navigation', 'aria-label': t('set.groups')});
	const none = h('p.empty', {hidden: true}, t('set.nothing'));
	const search = h('input', {type: 'search', id: `search-${app.unique()}`, autocomplete: 'off', spellcheck: 'false', input: find,
		keydown: e => e.key === 'Enter' && e.preventDefault()});
	const status = h('p.card-note', null, t('set.loading'));
	const apply = h('button.primary', {type: 'submit', disabled: true});
	const discard = h('button', {disabled: true, click: () => rows.forEach(r => r.back())}, t('set.discard'));
	const reload = h('button', {async click() {
		reload.disabled = true;
		if (await act.reload())
			await load();
		reload.disabled = false;
	}}, t('set.reload'));
	const wrong = h('p.form-error', {role: 'alert'});
	const el = h('form.stack.settings', {novalidate: true, submit},
		h('div.section-head', null, h('h2', null, t('nav.settings')), status, h('span.spring'), reload),
		h('div.section-head.settings-nav', null, h('label', {for: search.id}, t('set.search')), search, nav), groups, none,
		h('div.apply-bar', null, wrong, discard, apply));
	const rows = new Map();

	async function load() {
		try {
			show(await api.get('/api/config'));
		} catch (e) {
			setText(status, e.status === 401 ? t('token.read') : e.message || t('act.unreachable'));
		}
	}
	function show(config) {
		setText(status, t('set.note'));
		const known = [...rows.keys()].join('\n');
		const keys = Object.keys(config);
		if (known !== keys.join('\n'))
			lay(keys, config);
		for (const [key, setting] of Object.entries(config))
			rows.get(key).take(setting);
		changed();
	}
	function lay(keys, config) {
		rows.clear();
		const lists = GROUPS.map(([name, test]) => ({name, test, keys: []}));
		for (const key of keys)
			(config[key].live ? lists.find(g => g.test.test(key)) : lists.at(-1)).keys.push(key);
		const shown = lists.filter(g => g.keys.length);
		const sets = shown.map(g => h('fieldset.card', {tabindex: -1}, h('legend', null, t(`set.group.${g.name}`)), g.keys.map(key => {
			const row = createRow(key, config[key]);
			rows.set(key, row);
			return row.el;
		})));
		replace(groups, sets);
		replace(nav, shown.map((g, i) => h('button.small', {click() {
			search.value = '';
			find();
			sets[i].scrollIntoView();
			sets[i].focus({preventScroll: true});
		}}, t(`set.group.${g.name}`))));
		find();
	}
	/* Those in whose name, key or value is what is looked for; a group without any goes. */
	function find() {
		const wanted = search.value.trim().toLowerCase();
		for (const {el, words} of rows.values())
			el.hidden = !words().includes(wanted);
		for (const set of groups.children)
			set.hidden = !set.querySelector('.setting:not([hidden])');
		none.hidden = !rows.size || Boolean(groups.querySelector('.setting:not([hidden])'));
	}

	function createRow(key, first) {
		const id = `set-${key.replace(/[^\w]/g, '-')}`;
		const words = key.replace(/^upstreams\.[^.]+\./, 'upstreams.');
		const fixed = !first.live;
		const input = field(id, first, fixed);
		const range = h('span.faint.num', {id: `${id}-range`});
		const source = h('span.source');
		const error = h('p.form-error', {id: `${id}-error`, hidden: true});
		const reset = h('button.small', {hidden: true, click: () => send({[key]: null})}, t('set.reset'), h('span.sr', null, ` ${key}`));
		const dirty = h('span.dirty', {hidden: true}, t('set.dirty'));
		const el = h('div.setting', null,
			h('div.setting-name', null, h('label', {for: id}, has(`set.${words}`) ? t(`set.${words}`) : key), h('code', null, key)),
			h('div.setting-value', null, h('div.setting-input', null, input, first.unit ? h('span.unit', null, first.unit) : null, reset), error),
			h('div.setting-about', null, source, range, dirty));
		let setting = first;
		let touched = false;
		setAttr(input, 'aria-describedby', `${id}-range ${id}-error`);
		input.addEventListener('input', () => {
			touched = true;
			judge();
			changed();
		});

		const typed = () => (input.type === 'checkbox' ? input.checked : input.value);
		function put(value) {
			if (input.type === 'checkbox')
				input.checked = Boolean(value);
			else if (fixed)
				input.value = told(setting, value);
			else
				input.value = plain(value) ?? '';
		}
		function judge() {
			const blank = typed() === '' && (setting.value === null || setting.default === null);
			const found = fixed || blank ? {value: setting.value} : check(setting, typed());
			tell(found.wrong ? t(found.wrong, found.values) : '');
			const differs = !fixed && !blank && (found.wrong || !same(found.value, setting.type === 'map' ? plain(setting.value) : setting.value));
			dirty.hidden = !differs;
			el.classList.toggle('is-dirty', Boolean(differs));
			return differs ? found : null;
		}
		const tell = message => blame(input, error, message);
		return {
			el, judge, tell,
			words: () => `${el.firstChild.textContent} ${typed()}`.toLowerCase(),
			focus: () => input.focus(),
			take(next) {
				setting = next;
				if (!touched)
					put(setting.value);
				setText(source, t(`set.source.${setting.source}`));
				setAttr(source, 'data-source', setting.source);
				setText(range, about(setting));
				reset.hidden = setting.source !== 'live';
				judge();
			},
			back() {
				touched = false;
				put(setting.value);
				judge();
				changed();
			},
			settle() {
				touched = false;
			},
		};
	}
	function field(id, setting, fixed) {
		if (fixed)
			return h('output', {id});
		if (setting.type === 'bool')
			return h('input', {id, type: 'checkbox', role: 'switch'});
		if (setting.type === 'word')
			return h('select', {id}, (setting.words ?? [setting.value]).map(w => h('option', {value: w}, w)));
		const isNumber = ['count', 'seconds', 'megabytes'].includes(setting.type);
		return h('input', {id, type: 'text', autocomplete: 'off', spellcheck: 'false', inputmode: isNumber ? 'decimal' : null,
			class: isNumber ? 'number' : null, placeholder: setting.value === null || setting.value.length === 0 ? blank(setting) : null});
	}
	/* A list, or lists by name, as one text; all else as it is. */
	const plain = v => (Array.isArray(v) ? v.join(', ') : v !== null && typeof v === 'object' ? Object.entries(v).map(([k, list]) => `${k}=${[].concat(list).join('|')}`).join(', ') : v);
	const blank = s => t(s.type === 'count' ? 'set.auto' : 'set.empty');
	const told = (s, v) => (v === null || v === undefined ? blank(s) : typeof v === 'boolean' ? t(v ? 'yes' : 'no') : String(plain(v)) || t('set.empty'));
	function about(s) {
		return [s.min !== undefined && s.min !== null && s.live ? t('set.range', {min: String(s.min), max: String(s.max)}) : null,
			s.source === 'default' ? null : t('set.default', {value: told(s, s.default)}), s.live ? null : t(s.reload ? 'set.onReload' : 'set.onRestart')].filter(Boolean).join(' · ');
	}

	function changed() {
		const list = [...rows.values()].map(r => r.judge()).filter(Boolean);
		const bad = list.some(f => f.wrong);
		apply.disabled = !list.length || bad;
		discard.disabled = !list.length;
		setText(apply, t('set.apply', {n: list.length}));
		el.classList.toggle('has-changes', list.length > 0);
		if (!list.length)
			setText(wrong, '');
	}
	function submit(e) {
		e.preventDefault();
		const body = {};
		for (const [key, row] of rows) {
			const found = row.judge();
			if (found?.wrong) {
				row.focus();
				return;
			}
			if (found)
				body[key] = found.value;
		}
		if (Object.keys(body).length)
			send(body);
	}
	/* What the server objects to stands at the setting it names. */
	async function send(body) {
		setText(wrong, '');
		apply.disabled = true;
		let objection = null;
		const answer = await act.run(async () => {
			try {
				return await api.patch('/api/config', body);
			} catch (e) {
				if (e.status !== 400)
					throw e;
				objection = e.message;
				return null;
			}
		});
		if (answer) {
			for (const key of Object.keys(body))
				rows.get(key).settle();
			show(answer);
			notices.say(t('set.applied'));
			return;
		}
		changed();
		if (objection) {
			setText(wrong, objection);
			const named = [...rows.keys()].filter(key => objection.includes(key)).sort((a, b) => b.length - a.length)[0];
			rows.get(named)?.tell(objection);
			rows.get(named)?.focus();
		}
	}
	load();
	return {el, show: load};
}
