/* plot.js - how do columns of numbers become a picture on a canvas?  It knows neither words nor the server; all is drawn anew with each change. */
import {h} from './dom.js';
import {moments, valueStep} from './ticks.js';

const PAD = {left: 48, right: 10, top: 8, bottom: 20};
const FONT = '11px Inter, system-ui, sans-serif';

/* o: {series: [{kind, color, dash}], stacked, min, isTime, color(name),
 * axis(ticks) that gives say(v), sayTime(t, step), group, onPoint(i or null, x), onSelect(from, to)} */
export function createPlot(o) {
	const canvas = h('canvas');
	const cross = h('div.cross', {hidden: true});
	const select = h('div.select', {hidden: true});
	const el = h('div.plot-area', null, canvas, select, cross);
	const g = canvas.getContext('2d');
	let t = [];
	let step = 1;
	let columns = [];
	let width = 0;
	let height = 0;
	let top = 1; /* of the scale */
	let span = [0, 1];
	let dragFrom = null;

	const x = at => PAD.left + ((at - span[0]) / (span[1] - span[0])) * (width - PAD.left - PAD.right);
	const y = v => PAD.top + (1 - v / top) * (height - PAD.top - PAD.bottom);
	const at = px => span[0] + ((px - PAD.left) / (width - PAD.left - PAD.right)) * (span[1] - span[0]);
	const indexAt = px => Math.max(0, Math.min(t.length - 1, Math.floor((at(px) - t[0]) / step)));

	function scale() {
		let most = o.min ?? 1;
		for (const c of columns)
			for (const v of c)
				if (v > most)
					most = v;
		const by = valueStep(most * 1.04, 4, o.isTime, o.base);
		top = Math.ceil((most * 1.04) / by) * by;
		span = t.length ? [t[0], t.at(-1) + step] : [0, 1];
		return by;
	}

	function axes(by) {
		g.font = FONT;
		g.lineWidth = 1;
		g.strokeStyle = o.color('line');
		g.fillStyle = o.color('faint');
		g.textAlign = 'right';
		g.textBaseline = 'middle';
		g.beginPath();
		const values = Array.from({length: Math.round(top / by) + 1}, (_, i) => i * by);
		const say = o.axis(values);
		for (const v of values) {
			const py = Math.round(y(v)) + 0.5;
			g.moveTo(PAD.left, py);
			g.lineTo(width - PAD.right, py);
			g.fillText(say(v), PAD.left - 6, py);
		}
		g.stroke();
		g.textAlign = 'center';
		g.textBaseline = 'top';
		const ticks = moments(span[0], span[1], Math.max(2, (width - 60) / 84), -new Date(span[1] * 1000).getTimezoneOffset() * 60);
		for (const m of ticks.at) {
			const px = x(m);
			if (px > PAD.left + 12 && px < width - PAD.right - 12)
				g.fillText(o.sayTime(m, ticks.step), px, height - PAD.bottom + 6);
		}
	}

	function bars(c, below, gaps = true) {
		g.beginPath();
		for (let i = 0; i < t.length; i++) {
			const v = c[i];
			if (!v)
				continue;
			const from = Math.round(x(t[i]));
			const to = Math.max(from + 1, Math.round(x(t[i] + step)) - (gaps && x(t[i] + step) - x(t[i]) > 2.4 ? 1 : 0));
			const low = below?.[i] ?? 0;
			g.rect(from, y(v), to - from, y(low) - y(v));
		}
		g.fill();
	}

	/* null breaks the line; a value that stands alone is a dot. */
	function line(c) {
		g.beginPath();
		c.forEach((v, i) => {
			if (v === null)
				return;
			const px = x(t[i] + step / 2);
			const ends = [i - 1, i + 1].map(k => (c[k] ?? null) === null);
			if (ends[0])
				g.moveTo(px - 1, y(v));
			g.lineTo(px + ends[1], y(v));
		});
		g.stroke();
	}

	function area(c) {
		g.globalAlpha = 0.16;
		bars(c, null, false);
		g.globalAlpha = 1;
		line(c);
	}

	function draw() {
		if (!width)
			return;
		const ratio = Math.min(3, window.devicePixelRatio || 1);
		const w = Math.round(width * ratio);
		const hgt = Math.round(height * ratio);
		if (canvas.width !== w || canvas.height !== hgt) {
			canvas.width = w;
			canvas.height = hgt;
		}
		g.setTransform(ratio, 0, 0, ratio, 0, 0);
		g.clearRect(0, 0, width, height);
		if (!t.length)
			return;
		axes(scale());
		o.series.forEach((s, k) => {
			g.strokeStyle = g.fillStyle = o.color(s.color);
			g.lineWidth = 1.6;
			g.lineJoin = 'round';
			g.setLineDash(s.dash ?? []);
			if (s.kind === 'bars')
				bars(columns[k], o.stacked ? columns[k + 1] : null);
			else if (s.kind === 'area')
				area(columns[k]);
			else
				line(columns[k]);
			g.setLineDash([]);
		});
	}

	function point(i) {
		cross.hidden = i === null;
		if (i !== null)
			cross.style.transform = `translateX(${Math.round(x(t[i] + step / 2))}px)`;
		return i === null ? 0 : x(t[i] + step / 2);
	}
	/* All plots of the group show the moment; only this one its tooltip. */
	function show(i) {
		o.onPoint(i, point(i));
		for (const other of o.group ?? [])
			if (other !== self)
				other.follow(i);
	}
	const self = {follow: i => i === null || i < t.length ? point(i) : 0};
	o.group?.add(self);

	const px = e => e.clientX - el.getBoundingClientRect().left;
	el.addEventListener('pointermove', e => {
		if (!t.length)
			return;
		if (dragFrom !== null) {
			const [a, b] = [dragFrom, px(e)].sort((m, n) => m - n);
			select.hidden = b - a < 6;
			select.style.transform = `translateX(${a}px)`;
			select.style.width = `${b - a}px`;
		}
		show(indexAt(px(e)));
	});
	el.addEventListener('pointerleave', () => dragFrom === null && show(null));
	el.addEventListener('pointerdown', e => {
		if (e.button === 0 && e.pointerType === 'mouse' && t.length) {
			dragFrom = px(e);
			el.setPointerCapture(e.pointerId);
		}
	});
	el.addEventListener('pointerup', e => {
		const [a, b] = [dragFrom ?? px(e), px(e)].sort((m, n) => m - n);
		dragFrom = null;
		select.hidden = true;
		if (b - a >= 8)
			o.onSelect(Math.floor(at(Math.max(a, PAD.left))), Math.ceil(at(b)));
	});
	el.addEventListener('pointercancel', () => {
		dragFrom = null;
		select.hidden = true;
	});

	const sizer = new ResizeObserver(() => {
		if (el.clientWidth !== width || el.clientHeight !== height) {
			width = el.clientWidth;
			height = el.clientHeight;
			draw();
		}
	});
	sizer.observe(el);
	return {
		el, draw, show,
		set(times, stepS, next) {
			t = times;
			step = stepS;
			columns = next;
			draw();
		},
		destroy() {
			sizer.disconnect();
			o.group?.delete(self);
		},
	};
}
