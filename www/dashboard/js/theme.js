/* theme.js - light or dark, and who must know when it changes?  A canvas knows no style sheet. */
const CHOICES = ['auto', 'light', 'dark'];

export function createTheme(prefs) {
	const heard = new Set();
	const dark = matchMedia('(prefers-color-scheme: dark)');
	let choice = prefs.get('theme', 'auto');

	const probe = document.createElement('i');
	probe.hidden = true;
	let colors = {};

	function apply() {
		colors = {};
		if (choice === 'light' || choice === 'dark')
			document.documentElement.dataset.theme = choice;
		else
			delete document.documentElement.dataset.theme;
		heard.forEach(fn => fn());
	}
	dark.addEventListener('change', apply);
	apply();
	return {
		choice: () => choice,
		isDark: () => choice === 'dark' || (choice === 'auto' && dark.matches),
		/* What a name of css/base.css is now, for a canvas. */
		color(name) {
			if (!colors[name]) {
				document.documentElement.append(probe);
				probe.style.color = `var(--${name})`;
				colors[name] = getComputedStyle(probe).color;
				probe.remove();
			}
			return colors[name];
		},
		next() {
			choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
			prefs.set('theme', choice);
			apply();
		},
		subscribe(fn) {
			heard.add(fn);
			return () => heard.delete(fn);
		},
	};
}
