/* first.js - how does a client get its first answer?  What it shows it asks for when it is opened. */
import {h, replace, setAttr, setText} from './dom.js';
import {createCopy, createTold} from './told.js';

const HOST = location.origin;
const HELLO = '[{"role": "user", "content": "Hello"}]';
/* Each with a model M and a key K. */
const CALLS = {
	curl: (m, k) => `curl -N ${HOST}/v1/chat/completions${k ? ` -H 'Authorization: Bearer ${k}'` : ''} \\\n  --json '{"model": "${m}", "stream": true, "messages": ${HELLO}}'`,
	Python: (m, k) => `from openai import OpenAI\nclient = OpenAI(base_url="${HOST}/v1", api_key="${k || 'unused'}")\nprint(client.chat.completions.create(model="${m}", messages=${HELLO}).choices[0].message.content)`,
	Node: (m, k) => `import OpenAI from "openai";\nconst client = new OpenAI({baseURL: "${HOST}/v1", apiKey: "${k || 'unused'}"});\nconst answer = await client.chat.completions.create({model: "${m}", messages: ${HELLO}});\nconsole.log(answer.choices[0].message.content);`,
	'Claude Code': (m, k, agent) => `ANTHROPIC_BASE_URL=${HOST} ANTHROPIC_AUTH_TOKEN=${k || 'unused'} \\\n  claude --model ${agent ?? m}`,
};
const LOCAL = /^http:\/\/(127\.|localhost|\[::1\])/;
const NO_CHAT = /embed|rerank|guard|safety|parse|^sim\//i;

export function createFirst(app) {
	const {text: {t}, act, api, settings} = app;
	const copy = createCopy(app);
	let chosen = 'curl';
	let call = ['MODEL'];
	let asked = false;

	const badge = h('b.badge');
	const code = h('code.secret');
	const tabs = h('div.segments', {role: 'group', 'aria-label': t('first.call')}, Object.keys(CALLS).map(name => h('button', {click: () => show(name)}, name)));
	const copier = (from, what) => h('button.small', {click: () => copy(from)}, t('first.copy'), h('span.sr', null, ` ${t(what)}`));
	const base = h('code', null, `${HOST}/v1`);
	const [upstream, whose, token] = [h('span'), h('span'), h('code')];
	const came = h('p.card-note');
	const make = h('button', {async click() {
		make.disabled = true;
		const made = await act.run(() => api.post('/api/keys', {name: `client-${Math.random().toString(36).slice(2, 6)}`}));
		make.disabled = false;
		if (made)
			told.tell(made.name, made.key);
	}}, t('first.make'));
	const noKeys = h('span.faint', null, t('first.noKeys'));
	const told = createTold(app, () => make.focus());
	const facts = {base: [base, ' ', copier(base, 'first.base')], upstream, whose, token, others: [make, noKeys]};
	const el = h('details.card.first', {toggle: () => el.open && ask()}, h('summary', null, h('h2', null, t('first.title')), badge),
		h('div.two', null,
			h('div', null, h('dl.first-facts', null, Object.entries(facts).map(([name, of]) => h('div', null, h('dt', null, t(`first.${name}`)), h('dd', null, of)))), came),
			h('div', null, h('div.card-head', null, tabs, h('span.spring'), copier(code, 'first.call')), code)), told.el);

	function show(name = chosen) {
		chosen = name;
		for (const b of tabs.children)
			setAttr(b, 'aria-pressed', String(b.textContent === name));
		setText(code, CALLS[name](...call));
	}
	/* The models without our token: it is not for the upstream. */
	async function ask() {
		if (asked)
			return;
		asked = true;
		const [config, ids] = await Promise.all([settings(), fetch('/v1/models', {credentials: 'omit'}).then(a => a.json()).then(m => m.data.map(x => x.id)).catch(() => [])]);
		const urls = Object.entries(config).filter(([name]) => name.endsWith('.base_url')).map(([, c]) => c.value);
		const practice = urls.every(u => LOCAL.test(u)) && ids.includes('sim/echo');
		setText(badge, urls.length ? t(practice ? 'first.practice' : 'first.real') : '');
		badge.classList.toggle('is-practice', practice);
		replace(upstream, urls.join(', '), practice && h('span.faint', null, ` ${t('first.simulated')}`));
		setText(token, `cat ${config.data_dir?.value ?? '/var/lib/sluice'}/admin.token`);
		call = [ids.find(m => m === 'meta/llama-3.1-8b-instruct') ?? ids.find(m => !NO_CHAT.test(m)) ?? 'MODEL', config.anonymous?.value === 'no' ? 'SLUICE-KEY' : app.state.get()?.limits[0]?.key?.ours === false && !practice ? 'UPSTREAM-KEY' : '', practice ? 'sim/agent' : null];
		show();
	}
	show();
	return {
		el,
		update(s) {
			const key = s.limits[0]?.key;
			setText(whose, t(`first.key.${key?.ours ? key.state : 'client'}`));
			make.hidden = !(noKeys.hidden = s.limits.some(l => l.key?.ours));
			setText(came, t(s.recent.length ? 'first.came' : 'why.first'));
		},
		hide: told.forget,
	};
}
