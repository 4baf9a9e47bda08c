/* stream.js - how does each snapshot reach the page, whatever is between?  fetch(), for it can carry the token; where no stream comes through it polls. */
import {ApiError, refusal} from './api.js';

const SILENT_S = 8; /* a stream that says nothing for so long is dead */
const PATIENCE_S = 6; /* the first event comes at once, or is being collected */
const PAUSES_S = [0.5, 1, 2, 4, 8];

export function createStream({api, onStatus, onError, now = () => performance.now() / 1000}) {
	let stopper = null;
	let lastAt = now();
	let tries = 0;
	let polling = false;
	let nextTry = 0;
	let running = false;
	let turn = 0;
	let wake = null;
	let denied = false;
	let problem = null;

	function took(status) {
		lastAt = now();
		tries = 0;
		denied = false;
		problem = null;
		onStatus(status);
	}

	function missed(e) {
		denied = e.status === 401;
		problem = e;
		onError(e);
	}

	function pause(s) {
		nextTry = now() + s;
		return new Promise(done => {
			const timer = setTimeout(done, s * 1000);
			wake = () => {
				clearTimeout(timer);
				done();
			};
		});
	}

	async function listen() {
		const stop = stopper = new AbortController();
		const opened = now();
		let got = false;
		const guard = setInterval(() => {
			if (now() - Math.max(lastAt, opened) > (got ? SILENT_S : PATIENCE_S))
				stop.abort();
		}, 500);
		try {
			const answer = await fetch('/api/events', {headers: api.headers({Accept: 'text/event-stream'}), cache: 'no-store',
				credentials: 'omit', signal: stop.signal});
			if (answer.status === 404 || answer.status === 405 || answer.status === 406 || answer.status === 501)
				polling = true;
			if (!answer.ok)
				throw await refusal(answer);
			const isStream = answer.headers.get('Content-Type')?.startsWith('text/event-stream');
			if (!isStream || !answer.body) {
				polling = true;
				return;
			}
			for await (const data of events(answer.body)) {
				got = true;
				took(JSON.parse(data));
			}
		} catch (e) {
			/* The answer began and nothing came of it: someone collects it. */
			if (e.name === 'AbortError' && running && !got && now() - opened >= PATIENCE_S)
				polling = await canPoll();
			else if (e.name !== 'AbortError' && running)
				missed(e instanceof ApiError ? e : new ApiError(0, '', 'unreachable'));
		} finally {
			clearInterval(guard);
			stop.abort();
		}
	}

	async function poll() {
		took(await api.get('/api/status'));
		await pause(1);
	}

	async function canPoll() {
		try {
			took(await api.get('/api/status'));
			return true;
		} catch {
			return false;
		}
	}

	async function run(mine) {
		while (running && mine === turn) {
			try {
				if (polling)
					await poll();
				else
					await listen();
			} catch (e) {
				missed(e);
			}
			if (running && mine === turn && (!polling || now() - lastAt > 2)) {
				const s = PAUSES_S[Math.min(tries++, PAUSES_S.length - 1)];
				await pause(s * (0.8 + 0.4 * Math.random()));
			}
		}
	}

	return {
		start() {
			if (running)
				return;
			running = true;
			run(++turn);
		},
		stop() {
			running = false;
			stopper?.abort();
			wake?.();
		},
		/* Now: a new token, a click, the tab shown again. */
		retry() {
			tries = 0;
			wake?.();
		},
		late: () => now() - lastAt,
		nextTryIn: () => Math.max(0, nextTry - now()),
		isPolling: () => polling,
		isDenied: () => denied,
		problem: () => problem,
	};
}

/* The data of each event of a body; comments and other fields are skipped. */
export async function* events(body) {
	const reader = body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = '';
	try {
		for (;;) {
			const {value, done} = await reader.read();
			if (done)
				return;
			rest += value;
			for (;;) {
				const end = /\r?\n\r?\n/.exec(rest);
				if (!end)
					break;
				const data = rest.slice(0, end.index).split(/\r?\n/)
					.filter(line => line.startsWith('data:'))
					.map(line => line.slice(5).replace(/^ /, ''));
				rest = rest.slice(end.index + end[0].length);
				if (data.length)
					yield data.join('\n');
			}
		}
	} finally {
		reader.cancel().catch(() => {});
	}
}
