/* dom.js - how is the page built and changed without a line of HTML in a string?  What the server answers only becomes a text node or an attribute. */

const SVG = 'http://www.w3.org/2000/svg';

/* h('p.note', {title: 'x', click}, 'text', child, ...): a new element.  The tag
 * may carry classes.  What is a function listens; attributes that are null or
 * false are left out.  A button sends no form unless it says so. */
export function h(tag, attrs, ...kids) {
	const [name, ...classes] = tag.split('.');
	const el = document.createElement(name);
	if (classes.length)
		el.className = classes.join(' ');
	if (name === 'button')
		el.type = 'button';
	for (const [key, value] of Object.entries(attrs ?? {}))
		if (typeof value === 'function')
			el.addEventListener(key, value);
		else
			setAttr(el, key, value);
	add(el, kids);
	return el;
}

function add(el, kids) {
	for (const kid of kids.flat(3))
		if (kid !== null && kid !== undefined && kid !== false)
			el.append(kid);
}

/* A part of a view, under its title; MORE stands beside that. */
export const part = (tag, title, more, ...kids) => h(tag, {'aria-label': title}, h('div.card-head', null, h('h2', null, title), more), kids);
export const card = (title, ...kids) => part('section.card', title, null, kids);
/* Figures under their names: el, and say({NAME: text}), before which nothing is known. */
export function facts(names, label) {
	const all = names.map(name => [name, h('dd.num', null, '–')]);
	return {
		el: h('dl.facts', null, all.map(([name, dd]) => h('div', null, h('dt', null, label(name)), dd))),
		say: texts => all.forEach(([name, dd]) => setText(dd, texts[name])),
	};
}
/* How much of a whole; what fills it is KIDS. */
export const meter = (...kids) => h('span.meter', {'aria-hidden': 'true'}, kids);

/* EL, whose --c its rules take, in one of the page's colours. */
export function tint(el, color) {
	setVar(el, '--c', `var(--${color})`);
	return el;
}
/* A bar inside of another: how much of that it fills. */
export const fill = (bar, of) => {
	bar.style.transform = `scaleX(${of})`;
};
/* What is amiss, by kind: makes LIST of [kind, n], the most first; words.KIND and
 * words.KIND.why say what that is, color(KIND) is its bar's. */
export function kinds(list, rows, {t, compact}, words, color) {
	keyed(list, rows, ([key]) => key, ([key]) => h('li', null, h('span', null, t(`${words}.${key}`)), meter(tint(h('i'), color(key))), h('b.num'),
		h('span.faint.kind-why', null, t(`${words}.${key}.why`))), (li, [, n]) => {
		fill(li.children[1].firstChild, n / rows[0][1]);
		setText(li.children[2], compact(n));
	});
}

/* Touches the document only where something differs. */
export function setAttr(el, key, value) {
	if (value === null || value === undefined || value === false)
		el.hasAttribute(key) && el.removeAttribute(key);
	else if (el.getAttribute(key) !== String(value === true ? '' : value))
		el.setAttribute(key, value === true ? '' : value);
}

export function setText(el, text) {
	const s = text === null || text === undefined ? '' : String(text);
	if (el.textContent !== s)
		el.textContent = s;
}

/* INPUT is told WRONG, in its ERROR; '': it is fine. */
export function blame(input, error, wrong) {
	setText(error, wrong);
	error.hidden = !wrong;
	setAttr(input, 'aria-invalid', wrong ? 'true' : null);
}

export function setVar(el, name, value) {
	const s = String(value);
	if (el.style.getPropertyValue(name) !== s)
		el.style.setProperty(name, s);
}

export function replace(el, ...kids) {
	el.replaceChildren();
	add(el, kids);
}

/* Makes the children of PARENT those of ITEMS, in their order, and keeps the
 * element of each key: focus, transitions and selection stay.  make(item)
 * gives a new element, change(el, item) makes it true. */
export function keyed(parent, items, keyOf, make, change) {
	const have = parent.keyedChildren ??= new Map();
	const seen = new Set();
	let at = parent.firstChild;
	for (const item of items) {
		const key = keyOf(item);
		if (seen.has(key))
			continue;
		seen.add(key);
		let el = have.get(key);
		if (!el) {
			el = make(item);
			have.set(key, el);
		}
		change(el, item);
		if (el === at)
			at = at.nextSibling;
		else
			parent.insertBefore(el, at);
	}
	for (const [key, el] of have)
		if (!seen.has(key)) {
			el.remove();
			have.delete(key);
		}
}

const PATHS = {
	check: 'M5 12.5l4.5 4.5L19 7.5',
	clock: 'M12 3.5a8.5 8.5 0 100 17 8.5 8.5 0 000-17M12 7.5V12l3 2',
	pause: 'M9.5 8v8M14.5 8v8',
	bang: 'M12 7.5v5.5M12 16.4v.2',
	still: 'M12 4v16M5 8l14 8M19 8L5 16',
	shot: 'M4 8h4l1.5-2h5L16 8h4v11H4zM12 10.5a2.5 2.5 0 100 5 2.5 2.5 0 000-5',
	theme: 'M12 4a8 8 0 100 16z M12 4a8 8 0 010 16',
	key: 'M14 10a4 4 0 10-3.2 3.9L12 15h2v2h2v2h3v-3l-5.2-4.6A4 4 0 0014 10zM9.5 9.5v.1',
};

/* A picture beside a word that says the same; never read aloud. */
export function icon(name) {
	const svg = document.createElementNS(SVG, 'svg');
	const put = (tag, attrs) => {
		const el = document.createElementNS(SVG, tag);
		for (const [k, v] of Object.entries(attrs))
			el.setAttribute(k, v);
		svg.append(el);
	};
	for (const [k, v] of Object.entries({viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true', focusable: 'false'}))
		svg.setAttribute(k, v);
	put('path', {d: PATHS[name]});
	return svg;
}
