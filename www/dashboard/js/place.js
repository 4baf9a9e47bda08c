/* place.js - where in the page is one, as an address that can be passed on?  ?view=models&range=6h: 10m to 30d, all, or FROM-TO since 1970; &name= of a model or client. */
function parse(text) {
	const [, from, to] = /^(\d+)-(\d+)$/.exec(text) ?? [];
	if (from)
		return {name: 'custom', from: Number(from), to: Number(to)};
	return text && {name: text.replace(/^(\d+)([mhd])$/, '$2$1')};
}
const said = r => (r.name === 'custom' ? `${r.from}-${r.to}` : r.name.replace(/^([mhd])(\d+)$/, '$2$1'));

export const place = {
	view: () => /^#\/(\w+)/.exec(location.hash)?.[1] ?? new URLSearchParams(location.search).get('view'),
	range: () => parse(new URLSearchParams(location.search).get('range')),
	who() {
		const q = new URLSearchParams(location.search);
		return q.get('name') ? {[q.get('view')?.replace(/s$/, '')]: q.get('name')} : {};
	},
	put(view, range, who) {
		const search = `?view=${view}&range=${said(range)}${who ? `&name=${encodeURIComponent(who)}` : ''}`;
		if (location.search !== search || location.hash)
			history.replaceState(null, '', location.pathname + search);
	},
};
