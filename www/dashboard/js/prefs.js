/* prefs.js - what did this person choose, and is it still there tomorrow?  In this browser only. */
export function createPrefs(storage) {
	const store = storage ?? safeStorage();
	return {
		get(name, fallback) {
			try {
				const text = store?.getItem(`sluice.${name}`);
				return text === null || text === undefined ? fallback : JSON.parse(text);
			} catch {
				return fallback;
			}
		},
		set(name, value) {
			try {
				store?.setItem(`sluice.${name}`, JSON.stringify(value));
			} catch {
				/* private window, full disk: then not */
			}
		},
	};
}

function safeStorage() {
	try {
		return localStorage;
	} catch {
		return null;
	}
}
