/* slots.js - which cell of the window does each send stand in?  It keeps it until it opens; a new one takes the lowest free. */
const SAME_S = 0.6; /* the same send, told in two snapshots */
export const CELLS_MAX = 120;

export function createSlots() {
	let cells = []; /* moments at which each opens; null: it is open */

	/* NOW and what comes back are moments; OPENS are seconds from now. */
	function place(count, opens, now) {
		if (cells.length !== count)
			cells = resized(cells, count);
		const told = opens.map(s => now + s);
		const kept = cells.map((at, i) => ({at, i})).filter(c => c.at !== null).sort((a, b) => a.at - b.at);
		const fresh = [];
		let k = 0;
		for (const at of told) {
			while (k < kept.length && kept[k].at < at - SAME_S)
				cells[kept[k++].i] = null;
			if (k < kept.length && kept[k].at <= at + SAME_S)
				cells[kept[k++].i] = at;
			else
				fresh.push(at);
		}
		for (; k < kept.length; k++)
			cells[kept[k].i] = null;
		for (const at of fresh) {
			const free = cells.indexOf(null);
			if (free < 0)
				break;
			cells[free] = at;
		}
		return cells;
	}
	return {place};
}

function resized(cells, count) {
	const out = cells.filter(at => at !== null).slice(0, count);
	while (out.length < count)
		out.push(null);
	return out;
}

/* One cell for each slot, or for so many of them. */
export function perCell(requests) {
	return requests <= CELLS_MAX ? 1 : Math.ceil(requests / 100);
}

/* So many columns that the rows come out even, if that can be. */
export function columns(count) {
	const ideal = Math.sqrt(count * 2.5);
	let best = Math.min(count, Math.max(1, Math.round(ideal)));
	let cost = Infinity;
	for (let c = 1; c <= count; c++) {
		const ragged = count % c ? 2 + (c - (count % c)) / c : 0;
		const off = Math.abs(Math.log(c / ideal)) * 6;
		if (ragged + off < cost) {
			cost = ragged + off;
			best = c;
		}
	}
	return best;
}
