/* keys.js - which keys are there; make, change and revoke one.  What a new one is, told.js alone keeps. */
import {card, h, replace, setText} from '../dom.js';
import {createKeyFields} from '../keyfields.js';
import {createTable, marked} from '../table.js';
import {createTold} from '../told.js';

export function createKeys(app) {
	const {text: {t, ...fmt}, api, act, notices, token} = app;
	const keys = new Map();
	const deeds = new Map(); /* by name: what can be done in its row */
	let clients = new Map(); /* by name: its figures */
	let now = Date.now() / 1000;
	let editing = null; /* {name, id, fields, buttons} */
	let refused = null; /* the token that was not enough */
	let asked = 0;

	/* ---- what is seen ---- */

	const status = h('p', {role: 'status'}, t('set.loading'));
	const enter = h('button', {hidden: true, async click() {
		if (await app.askToken(t('token.needed')))
			load();
	}}, t('tool.token'));
	const gate = h('section.card.gate', {'aria-label': t('nav.keys')}, status, enter);
	const fresh = createKeyFields(app, {isTaken: name => keys.has(name)});
	const wrong = h('p.form-error', {role: 'alert'});
	const make = h('button.primary', {type: 'submit'}, t('keys.make'));
	const form = h('form.card', {novalidate: true, 'aria-label': t('keys.new'), submit: create}, h('div.card-head', null, h('h2', null, t('keys.new'))),
		h('div.fields', null, fresh.els), h('div.row-end', null, wrong, make));
	const told = createTold(app, () => {
		form.hidden = false;
		fresh.focus();
	});

	/* A cell that is a field while its row is changed. */
	const cell = (name, say) => k => (editing?.name === k.name ? marked(editing.id, editing.fields.el(name)) : say(k));
	const figure = (key, label, name) => ({key, label, num: true, value: k => clients.get(k.name)?.[name], cell: k => fmt.compact(clients.get(k.name)?.[name])});
	/* Those in tokens are rare: no columns. */
	const limits = k => [k.requests_per_min && t('perMin', {n: k.requests_per_min}),
		...['tokens_per_min', 'tokens_per_day'].map(name => k[name] && `${t(`keys.${name}`)}: ${fmt.num(k[name])}`)].filter(Boolean).join(', ') || t('set.empty');
	const count = (name, say) => ({key: name, label: t(`keys.${name}`), num: true, value: k => k[name], cell: cell(name, k => (k[name] ? say(k[name]) : t('set.empty')))});
	const table = createTable({caption: t('nav.keys'), empty: t('keys.none'), sortBy: 'name', keyOf: k => k.name, t, columns: [
		{key: 'name', label: t('keys.name'), value: k => k.name, cell: k => k.name, head: true, main: true},
		{key: 'id', label: t('col.id'), cell: k => marked(k.id, h('code', null, k.id))},
		{key: 'source', label: t('keys.source'), value: k => k.source, cell: k => marked(k.source, h('span.source', {'data-source': k.source}, t(`keys.from.${k.source}`)))},
		{key: 'made', label: t('keys.made'), value: k => k.made_at, cell: k => date(k.made_at)},
		{key: 'expires', label: t('keys.expires_in_s'), value: k => k.expires_at, cell: cell('expires_in_s', expiry)},
		{key: 'priority', label: t('keys.priority'), value: k => ['high', 'normal', 'low'].indexOf(k.priority),
			cell: cell('priority', k => marked(k.priority, h(`span.tag.${k.priority}`, null, t(`class.${k.priority}`))))},
		count('weight', fmt.num), {...count('requests_per_min'), cell: cell('requests_per_min', limits)}, count('queue_max', fmt.num),
		figure('waiting', t('col.waiting'), 'waiting'), figure('requests', t('fig.requests'), 'requests'),
		{key: 'deeds', label: t('col.action'), act: true, cell: k => {
			deeds.set(k.name, h('div.deeds'));
			return deeds.get(k.name);
		}}]});
	const listWrong = h('p.form-error', {role: 'alert'});
	const list = card(t('nav.keys'), listWrong, table.el);
	list.addEventListener('keydown', e => e.key === 'Escape' && stop(true));

	const open = h('div.stack', {hidden: true}, told.el, form, list);

	const isExpired = k => k.expired || (k.expires_at !== null && k.expires_at <= now);
	const date = at => marked(at, h('span.num', {title: at === null ? null : `${fmt.date(at)} ${fmt.clock(at)}`}, fmt.date(at)));
	function expiry(k) {
		if (k.expires_at === null)
			return t('keys.never');
		const gone = isExpired(k);
		const rest = gone ? `✕ ${t('keys.expired')}` : t('next.in', {eta: fmt.dur(k.expires_at - now)});
		return marked(`${k.expires_at} ${rest}`, h('span', null, date(k.expires_at), ' ', h(`span.num.${gone ? 'gone' : 'faint'}`, null, rest)));
	}
	function buttons(k) {
		const button = (name, then) => h('button.small', {click: () => then(k.name)}, t(`keys.${name}`), h('span.sr', null, ` ${k.name}`));
		return k.source === 'made' ? [button('change', change), button('revoke', askRevoke)] : [];
	}
	function show() {
		table.set([...keys.values()]);
		for (const [name, k] of keys) {
			const el = deeds.get(name);
			const is = editing?.name === name ? editing.id : k.source;
			if (el.dataset.is !== is)
				replace(marked(is, el), is === k.source ? buttons(k) : editing.buttons);
		}
	}
	/* MESSAGE stands before the keys; a LOCKED view shows it alone. */
	function say(message, locked) {
		setText(status, message);
		gate.hidden = !message;
		open.hidden = locked;
		enter.hidden = refused === null;
	}

	/* ---- what is done ---- */

	const path = name => `/api/keys/${encodeURIComponent(name)}`;
	async function load() {
		const mine = ++asked;
		const tried = token.get();
		try {
			const answer = await api.get('/api/keys');
			if (mine !== asked)
				return;
			keys.clear();
			for (const k of answer.keys)
				keys.set(k.name, k);
			refused = null;
			say('', false);
			show();
		} catch (e) {
			if (e.status === 401)
				lock(tried);
			else
				say(e.message || t('act.unreachable'), open.hidden);
		}
	}
	function lock(tried) {
		refused = tried;
		stop();
		keys.clear();
		show();
		say(t('keys.denied'), true);
	}
	/* The answer, or null; what the server objects to goes to object(error). */
	async function ask(call, object) {
		let objection = null;
		asked++; /* a list that is on its way is older than the answer */
		const answer = await act.run(async () => {
			objection = null;
			try {
				return await call();
			} catch (e) {
				objection = e.status ? e : null;
				if (!e.status || e.status === 401)
					throw e;
				return null;
			}
		});
		if (objection?.status === 401)
			lock(token.get());
		else if (objection)
			object(objection);
		return answer;
	}
	async function create(e) {
		e.preventDefault();
		setText(wrong, '');
		const body = fresh.read();
		if (!body)
			return;
		make.disabled = true;
		const answer = await ask(() => api.post('/api/keys', body), ({status: code, message}) => {
			setText(wrong, message);
			fresh.point(code, message);
		});
		make.disabled = false;
		if (!answer)
			return;
		const {key, ...row} = answer;
		keys.set(row.name, row);
		show();
		fresh.back();
		form.hidden = true;
		told.tell(row.name, key);
	}

	function change(name) {
		stop();
		const form = `key-edit-${app.unique()}`;
		const fields = createKeyFields(app, {now: keys.get(name), form});
		editing = {name, id: form, fields, buttons: h('form', {id: form, novalidate: true, submit: save},
			h('button.small', {click: () => stop(true)}, t('act.cancel')), ' ', h('button.small.primary', {type: 'submit'}, t('keys.save')))};
		show();
		fields.focus();
	}
	function stop(focus) {
		if (!editing)
			return;
		const {name} = editing;
		editing = null;
		setText(listWrong, '');
		show();
		if (focus)
			(deeds.get(name)?.firstChild ?? table.el).focus();
	}
	async function save(e) {
		e.preventDefault();
		const {name, fields, buttons: at} = editing;
		setText(listWrong, '');
		const body = fields.read();
		if (!body)
			return;
		at.lastChild.disabled = true;
		const row = Object.keys(body).length ? await ask(() => api.patch(path(name), body), err => {
			objected(name, err);
			fields.point(err.status, err.message);
		}) : keys.get(name);
		at.lastChild.disabled = false;
		if (!row)
			return;
		keys.set(name, row);
		if (editing?.name === name)
			stop(true);
		if (Object.keys(body).length)
			notices.say(t('keys.changed', {name}));
	}
	/* One that is gone leaves the list; why stands above it. */
	function objected(name, {status: code, message}) {
		if (code === 404) {
			stop();
			keys.delete(name);
			show();
			table.el.focus();
		}
		setText(listWrong, message);
	}

	async function askRevoke(name) {
		if (!await app.sure({title: t('keys.revoke.title', {name}), what: t('keys.revoke.what', {name}), go: t('keys.revoke'), danger: true}))
			return;
		setText(listWrong, '');
		if (!await ask(() => api.del(path(name)), err => objected(name, err)))
			return;
		keys.delete(name);
		show();
		table.el.focus();
		notices.say(t('keys.revoked', {name}));
	}

	return {
		el: h('div.stack.keys', null, gate, open),
		update(s) {
			now = s.time;
			clients = new Map(s.clients.map(c => [c.name, c]));
			if (refused !== null && refused !== token.get())
				load();
			else if (!editing && !open.hidden)
				show(); /* not while a row is changed: it would move under the hand */
		},
		show: load,
		hide() {
			stop();
			told.forget();
		},
	};
}
