/* actions.js - what can be done to the service, and what if it wants a token?  What cannot be taken back is told before, or waits. */
const UNDO_S = 5;

export function createActions({api, token, askToken, sure, notices, text}) {
	const t = (...a) => text().t(...a);
	const going = new Map(); /* by id: when a request is cancelled, and its timer */
	const heard = new Set();

	async function run(call, done) {
		for (let tries = 0; ; tries++) {
			try {
				const answer = await call();
				if (done)
					notices.say(done);
				return answer;
			} catch (e) {
				const asked = e.status === 401 && tries < 3;
				if (asked && await askToken(t(tries ? 'token.wrong' : 'token.needed')))
					continue;
				if (!asked)
					notices.say(e.status ? e.message : t('act.unreachable'), 'bad');
				return null;
			}
		}
	}
	const tell = () => heard.forEach(fn => fn());
	const path = id => `/api/queue/${encodeURIComponent(id)}`;
	function undo(id) {
		clearInterval(going.get(id)?.timer);
		going.delete(id);
		tell();
	}
	/* Whoever leaves the page has not taken it back. */
	addEventListener('pagehide', () => {
		for (const id of going.keys())
			api.del(path(id), {keepalive: true}).catch(() => {});
		going.clear();
	});
	return {
		run, undo,
		pause: () => run(() => api.post('/api/pause'), t('act.paused')),
		resume: () => run(() => api.post('/api/resume'), t('act.resumed')),
		/* In UNDO_S; the token is asked for now, not then. */
		async cancel(id) {
			if (going.has(id) || (!token.get() && !await askToken(t('token.needed'))))
				return;
			const one = {left: UNDO_S, timer: setInterval(() => {
				if (--one.left > 0)
					return tell();
				undo(id);
				return run(() => api.del(path(id)), t('act.cancelled', {id}));
			}, 1000)};
			going.set(id, one);
			tell();
		},
		/* How many seconds are left to take it back; null: it is not cancelled. */
		left: id => going.get(id)?.left ?? null,
		watch(fn) {
			heard.add(fn);
			return () => heard.delete(fn);
		},
		/* KIND: `hold`, what was asked for; `held`, what is left alone. */
		async clear(what, kind) {
			const name = what.model ?? what.upstream;
			if (await sure({title: t(`sure.${kind}`, {name}), what: t(`sure.${kind}.what`, {name}), go: t('sure.go')}))
				run(() => api.post('/api/retreat/clear', what), t('act.cleared'));
		},
		/* A rate is a bucket of one, a window is as many at once. */
		adopt: ({upstream, learned}) => run(() => api.patch('/api/config', {[`upstreams.${upstream}.requests`]: learned.requests,
			...(learned.kind === 'rate' && {[`upstreams.${upstream}.burst`]: 1})}), t('act.adopted', {n: learned.requests})),
		reload: async () => {
			const answer = await run(() => api.post('/api/reload'), t('act.reloaded'));
			for (const warning of answer?.warnings ?? [])
				notices.say(String(warning), 'wait');
			return answer;
		},
	};
}
