/* api.js - how is the service asked, and what does it say when it declines?  Each call gives JSON or throws an ApiError. */
export class ApiError extends Error {
	constructor(status, message, code) {
		super(message);
		this.status = status; /* 0: nobody answered */
		this.code = code;
	}
}

export function createApi(token, fetchIt = (...a) => fetch(...a)) {
	const headers = more => (token.get() ? {...more, Authorization: `Bearer ${token.get()}`} : {...more});

	async function call(method, path, body, more) {
		const init = {method, headers: headers(body === undefined ? {} : {'Content-Type': 'application/json'}),
			cache: 'no-store', credentials: 'omit', redirect: 'error', ...more};
		if (body !== undefined)
			init.body = JSON.stringify(body);
		let answer;
		try {
			answer = await fetchIt(path, init);
		} catch (e) {
			if (e.name === 'AbortError')
				throw e;
			throw new ApiError(0, '', 'unreachable');
		}
		if (!answer.ok)
			throw await refusal(answer);
		return answer.json();
	}
	return {
		headers,
		get: (path, signal) => call('GET', path, undefined, {signal}),
		patch: (path, body) => call('PATCH', path, body),
		post: (path, body = {}) => call('POST', path, body),
		del: (path, more) => call('DELETE', path, undefined, more),
	};
}

/* Errors are OpenAI-shaped, unless something between us made them. */
export async function refusal(answer) {
	let error = {};
	try {
		error = (await answer.json()).error ?? {};
	} catch {
		/* not ours */
	}
	return new ApiError(answer.status, error.message || `HTTP ${answer.status}`, error.code || '');
}
