/* notices.js - what has just been done, and what must be read aloud?  A new verdict at most each ten seconds: nobody follows a countdown. */
import {h, setText} from './dom.js';

const STANDS_MS = 6000;
const QUIET_MS = 10000;

export function createNotices() {
	const el = h('div.notices', {role: 'status', 'aria-live': 'polite'});
	const aloud = h('p.sr', {'aria-live': 'polite', 'aria-atomic': 'true'});
	let said = null;
	let saidAt = -Infinity;
	let later = null;

	return {
		el: h('div.notice-area', null, el, aloud),
		say(message, tone = 'fine') {
			const note = h(`p.notice.tone-${tone}`, null, message);
			el.append(note);
			if (el.children.length > 4)
				el.firstChild.remove();
			setTimeout(() => note.remove(), STANDS_MS);
		},
		/* KEY tells whether it is news, SENTENCE what is said. */
		announce(key, sentence) {
			if (key === said)
				return;
			clearTimeout(later);
			later = setTimeout(() => {
				said = key;
				saidAt = performance.now();
				setText(aloud, sentence());
			}, Math.max(400, QUIET_MS - (performance.now() - saidAt)));
		},
	};
}
