/* token.js - which token does this tab act with?  What `#token=` says is taken once, and dropped from the address. */
const NAME = 'sluice.token';

export function createToken(storage = sessionStorage) {
	let token = storage.getItem(NAME) ?? '';
	return {
		get: () => token,
		set(value) {
			token = value.trim();
			if (token)
				storage.setItem(NAME, token);
			else
				storage.removeItem(NAME);
		},
	};
}

/* Takes it out of the address; what else the fragment says stays. */
export function takeTokenFromUrl(token) {
	const found = /(?:^#|&)token=([^&]*)/.exec(location.hash);
	if (!found)
		return;
	token.set(decodeURIComponent(found[1]));
	const rest = location.hash.slice(1).replace(/(?:^|&)token=[^&]*/, '').replace(/^&/, '');
	history.replaceState(null, '', location.pathname + location.search + (rest ? '#' + rest : ''));
}
