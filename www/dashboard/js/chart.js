/*
 * chart.js - how is a column of numbers drawn, read and pointed at?
 *
 * uPlot draws; here are the colours of the theme, the tooltip at the
 * crosshair, the legend that follows it, the keys (left and right move the
 * crosshair), and zooming into a custom range by dragging.
 *
 * spec: {label, unit(v), series: [{key, label, color, kind: 'line'|'area'|
 * 'bars'|'step', dash, fill}], stacked, height, min}
 */
import uPlot from '../vendor/uplot/uplot.js';
import {h, setAttr, setText} from './dom.js';

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export function createChart(app, spec) {
  const {text, theme} = app;
  const plot = h('div.plot', {tabindex: 0, role: 'img', 'aria-label': spec.label});
  const tip = h('div.tip', {hidden: true});
  const legend = h('ul.legend', {'aria-hidden': 'true'});
  const empty = h('p.plot-empty', {hidden: true});
  const el = h('div.chart', null, legend, h('div.plot-frame', null, plot, tip, empty));
  const values = spec.series.map((s) => {
    const value = h('b', null, '');
    legend.append(h('li', null, h(`i.swatch.${s.kind ?? 'line'}${s.dash ? '.dashed' : ''}.c-${s.color}`), `${s.label} `, value));
    return value;
  });
  let raw = null;
  let drawn = null;
  let u = null;

  const series = [{}].concat(spec.series.map(toSeries));
  const options = {
    width: 300, height: spec.height ?? 150, padding: [10, 6, 0, 0], series, legend: {show: false},
    focus: {alpha: 1},
    cursor: {points: {size: 6, width: 1}, drag: {x: true, y: false, setScale: false},
      sync: spec.sync ? {key: spec.sync, setSeries: false} : undefined},
    scales: {x: {time: true}, y: {range: (_, lo, hi) => [0, nice(Math.max(hi ?? 0, spec.min ?? 1))]}},
    axes: [axis({values: (_, at) => at.map((t) => tick(t, at)), space: 64, size: 26}),
      axis({values: (_, at) => at.map((v) => spec.unit(v)), size: 48, space: 34})],
    hooks: {setCursor: [point], setSelect: [zoom]},
  };

  function toSeries(s, i) {
    const paths = {bars: uPlot.paths.bars({size: [0.9, 40], gap: spec.stacked ? 0 : 1}), step: uPlot.paths.stepped({align: 1})}[s.kind];
    const solid = s.kind === 'bars' || s.kind === 'area';
    return {label: s.label, paths, points: {show: false}, spanGaps: false, width: s.kind === 'bars' ? 0 : 1.5,
      dash: s.dash, stroke: () => color(s.color),
      fill: solid ? () => (s.kind === 'bars' ? color(s.color) : mixed(color(s.color), spec.stacked ? 0.85 : 0.16)) : undefined,
      pxAlign: 0, index: i};
  }
  function axis(more) {
    return {stroke: () => color('faint'), font: '11px Inter, system-ui, sans-serif', ticks: {show: false}, gap: 4,
      grid: {stroke: () => color('line'), width: 1}, ...more};
  }
  function tick(t, all) {
    const span = all.length > 1 ? all.at(-1) - all[0] : 600;
    if (span > 86400 * 1.5)
      return text.day(t);
    return span < 240 ? text.clock(t) : text.minute(t);
  }

  function point(plotNow) {
    const i = plotNow.cursor.idx;
    const shown = i !== null && i !== undefined && plotNow.cursor.left >= 0;
    readout(shown ? i : null);
    if (!shown || !plotNow.isPointed && !plot.matches(':focus-visible, :hover')) {
      tip.hidden = true;
      return;
    }
    tip.replaceChildren(h('b', null, when(raw.t[i])));
    for (const s of spec.series) {
      const v = raw[s.key]?.[i];
      if (!spec.stacked || v)
        tip.append(h('div', null, h(`i.swatch.${s.kind ?? 'line'}.c-${s.color}`), h('span', null, s.label),
          h('b', null, v === null || v === undefined ? text.missing : spec.unit(v, true))));
    }
    tip.hidden = false;
    const at = plotNow.over.offsetLeft + plotNow.cursor.left;
    const wide = tip.offsetWidth;
    const left = at + 14 + wide > plot.clientWidth ? at - 14 - wide : at + 14;
    tip.style.transform = `translate(${Math.max(0, Math.round(left))}px, 4px)`;
  }
  const when = (t) => (raw.step_s >= 3600 ? text.full(t).replace(/:\d\d$/, '') : raw.step_s >= 60 ? text.full(t).replace(/:\d\d$/, '') : text.clock(t));

  /* The legend tells the values at the crosshair, else the last ones. */
  function readout(i) {
    if (!raw)
      return;
    spec.series.forEach((s, k) => {
      const column = raw[s.key] ?? [];
      let v = i === null ? lastOf(column) : column[i];
      if (i === null && spec.total)
        v = column.reduce((a, x) => a + (x ?? 0), 0);
      setText(values[k], v === null || v === undefined ? text.missing : spec.unit(v, true));
    });
  }

  function zoom(plotNow) {
    const {left, width} = plotNow.select;
    if (width < 8)
      return;
    const from = Math.floor(plotNow.posToVal(left, 'x'));
    const to = Math.ceil(plotNow.posToVal(left + width, 'x'));
    plotNow.setSelect({left: 0, width: 0, top: 0, height: 0}, false);
    app.history.setRange({name: 'custom', from, to: Math.max(to, from + 10)});
  }

  plot.addEventListener('keydown', (e) => {
    const by = {ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10}[e.key];
    if (!u || (!by && e.key !== 'Home' && e.key !== 'End' && e.key !== 'Escape'))
      return;
    e.preventDefault();
    const n = raw.t.length;
    if (e.key === 'Escape') {
      u.setCursor({left: -10, top: -10});
      return;
    }
    const i = e.key === 'Home' ? 0 : e.key === 'End' ? n - 1 : Math.min(n - 1, Math.max(0, (u.cursor.idx ?? n - 1) + by));
    u.setCursor({left: u.valToPos(raw.t[i], 'x'), top: 10});
    setAttr(plot, 'aria-label', `${when(raw.t[i])}: ` +
      spec.series.map((s) => `${s.label} ${raw[s.key]?.[i] == null ? text.missing : spec.unit(raw[s.key][i], true)}`).join(', '));
  });
  plot.addEventListener('blur', () => {
    u?.setCursor({left: -10, top: -10});
    setAttr(plot, 'aria-label', summary());
  });

  function summary() {
    if (!raw)
      return spec.label;
    return `${spec.label}. ` + spec.series.map((s) => {
      const column = (raw[s.key] ?? []).filter((v) => v !== null);
      return column.length ? text.t('chart.summary', {name: s.label, last: spec.unit(column.at(-1), true),
        max: spec.unit(column.reduce((a, v) => Math.max(a, v), 0), true)}) : '';
    }).join(' ');
  }

  function prepared(d) {
    const columns = spec.series.map((s) => d[s.key] ?? d.t.map(() => null));
    if (!spec.stacked)
      return [d.t, ...columns];
    const out = columns.map(() => new Array(d.t.length));
    for (let i = 0; i < d.t.length; i++) {
      let below = 0;
      for (let k = columns.length - 1; k >= 0; k--) {
        const v = columns[k][i];
        below += v ?? 0;
        out[k][i] = v === null ? null : below;
      }
    }
    return [d.t, ...out];
  }

  const sizer = new ResizeObserver(() => {
    const width = Math.floor(plot.clientWidth);
    if (u && width > 0 && width !== u.width)
      u.setSize({width, height: options.height});
    else if (!u && drawn && width > 0)
      draw();
  });
  sizer.observe(plot);
  const stopTheme = theme.subscribe(() => u?.redraw(false, true));

  function draw() {
    if (!plot.clientWidth)
      return;
    if (!u)
      u = new uPlot({...options, width: Math.floor(plot.clientWidth)}, drawn, plot);
    else
      u.setData(drawn);
    if (!(u.cursor.left >= 0))
      readout(null);
  }

  return {
    el,
    /* {t, COLUMN, ...} as /api/history gives it; null: not known yet. */
    set(d, failed = false) {
      setText(empty, failed ? text.t('chart.failed') : text.t('chart.loading'));
      empty.hidden = Boolean(d?.t?.length);
      plot.classList.toggle('stale', !d?.t?.length);
      if (!d?.t?.length)
        return;
      raw = d;
      drawn = prepared(d);
      draw();
      if (document.activeElement !== plot)
        setAttr(plot, 'aria-label', summary());
    },
    destroy() {
      sizer.disconnect();
      stopTheme();
      u?.destroy();
      u = null;
    },
  };
}

function lastOf(column) {
  for (let i = column.length - 1; i >= 0; i--)
    if (column[i] !== null)
      return column[i];
  return null;
}

/* The next round number above, so that the scale seldom moves. */
function nice(v) {
  const power = 10 ** Math.floor(Math.log10(v));
  for (const m of [1, 1.5, 2, 3, 4, 5, 8, 10])
    if (m * power >= v * 1.05)
      return m * power;
  return 10 * power;
}

function mixed(hex, alpha) {
  const n = parseInt(hex.slice(1), 16);
  return `rgba(${n >> 16},${(n >> 8) & 255},${n & 255},${alpha})`;
}
