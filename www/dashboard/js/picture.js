/* picture.js - what is seen now, as a PNG to go with a report (SVG where a browser lets none be made).  Clients are "client 1" in it; no key, no button. */
const OUT = '.sr, dialog, .told, .tools, .deeds, button.small, .brand img, .skip';

/* Takes NAMES out of what EL says; call(n) stands for the nth. */
function conceal(el, names, call) {
	const list = [...new Set(names)].filter(Boolean).sort((a, b) => b.length - a.length);
	const any = new RegExp(`(?<![\\w.-])(${list.map(name => name.replace(/[^\w\s]/g, '\\$&')).join('|') || '$^'})(?![\\w-])`, 'g');
	const walk = document.createTreeWalker(el, NodeFilter.SHOW_TEXT);
	while (walk.nextNode())
		walk.currentNode.data = walk.currentNode.data.replace(any, name => call(list.indexOf(name) + 1));
	el.querySelectorAll('option').forEach(e => e.removeAttribute('value'));
	el.querySelectorAll('[title], [aria-label]').forEach(e => ['title', 'aria-label'].forEach(key => e.removeAttribute(key)));
}

function drawing(el, names, call) {
	const twin = el.cloneNode(true);
	const twins = (css, then) => [...twin.querySelectorAll(css)].forEach((copy, i) => then(copy, el.querySelectorAll(css)[i]));
	twins('input', (copy, e) => {
		copy.setAttribute('value', e.value);
		copy.toggleAttribute('checked', e.checked);
	});
	twins('option', (copy, e) => copy.toggleAttribute('selected', e.selected));
	twins('canvas', (copy, e) => copy.replaceWith(Object.assign(new Image(), {src: e.toDataURL()})));
	twin.querySelectorAll(OUT).forEach(e => e.remove());
	conceal(twin, names, call);
	const style = document.createElement('style');
	style.textContent = [...document.styleSheets].flatMap(sheet => [...sheet.cssRules].map(rule => rule.cssText)).join('').replaceAll('canvas', 'img');
	const box = document.createElement('div');
	const {font, color, backgroundColor} = getComputedStyle(document.body);
	Object.assign(box.style, {font, color, backgroundColor});
	box.append(style, twin);
	return new XMLSerializer().serializeToString(box);
}

/* EL as a file NAME. */
export async function picture(el, names, name, isDark, call) {
	const {width, height} = el.getBoundingClientRect();
	const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" data-theme="${isDark ? 'dark' : 'light'}" style="font-size:${
		getComputedStyle(document.documentElement).fontSize}"><foreignObject width="100%" height="100%">${drawing(el, names, call)}</foreignObject></svg>`;
	const save = (href, kind) => Object.assign(document.createElement('a'), {href, download: `${name}.${kind}`}).click();
	const source = `data:image/svg+xml,${encodeURIComponent(svg)}`;
	try {
		const image = Object.assign(new Image(), {src: source});
		await image.decode();
		const canvas = Object.assign(document.createElement('canvas'), {width: width * 2, height: height * 2});
		canvas.getContext('2d').drawImage(image, 0, 0, width * 2, height * 2);
		save(canvas.toDataURL(), 'png');
	} catch {
		save(source, 'svg');
	}
}
