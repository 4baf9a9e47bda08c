/* ticks.js - at which round values does an axis stand?  Pure. */
const SECONDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
const MOMENTS = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000];

/* A step that gives at most MOST parts of MAX; SECONDS where it is a time, round in units of BASE where they are counted so. */
export function valueStep(max, most, isTime, base = max + 1) {
	if (isTime)
		return SECONDS.find(s => max / s <= most) ?? 86400 * Math.ceil(max / 86400 / most);
	const unit = base ** Math.floor(Math.log(max) / Math.log(base));
	const power = unit * 10 ** Math.floor(Math.log10(max / most / unit));
	return [1, 2, 5, 10].map(m => m * power).find(s => max / s <= most + 1e-9);
}

/* Moments between FROM and TO, whole in the time zone that is OFFSET_S east. */
export function moments(from, to, most, offset) {
	const step = MOMENTS.find(s => (to - from) / s <= most) ?? 7776000;
	const out = [];
	for (let t = Math.ceil((from + offset) / step) * step - offset; t <= to; t += step)
		out.push(t);
	return {step, at: out};
}
