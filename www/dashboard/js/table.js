/*
 * table.js - how does a list become a table that sorts, keeps its rows and reads well?
 *
 * columns: [{key, label, value(row) to sort by, cell(row) text or node,
 * num: right-aligned, wide: left out on narrow screens, sort: false}].  Rows keep their
 * elements by key, so focus stays on a button while figures change.
 */
import {h, keyed, setAttr, setText, replace} from './dom.js';

export function createTable({caption, columns, keyOf, sortBy, descending = false, empty, rowClass, t}) {
  let sort = sortBy ? {key: sortBy, down: descending} : null;
  let rows = [];
  const heads = columns.map((c) => {
    if (!c.value)
      return h(`th${c.num ? '.num' : ''}${c.wide ? '.wide' : ''}${c.act ? '.act' : ''}`, {scope: 'col'}, c.label ?? '');
    const button = h('button.sort', {click: () => toggle(c)}, c.label, h('span.arrow', {'aria-hidden': 'true'}));
    return h(`th${c.num ? '.num' : ''}${c.wide ? '.wide' : ''}`, {scope: 'col'}, button);
  });
  const body = h('tbody');
  const none = h('p.empty', {hidden: true}, empty ?? '');
  const table = h('table', null, h('caption.sr', null, caption), h('thead', null, h('tr', null, heads)), body);
  const el = h('div.table-frame', {tabindex: 0, role: 'region', 'aria-label': caption}, table, none);

  function toggle(c) {
    sort = sort?.key === c.key ? {key: c.key, down: !sort.down} : {key: c.key, down: Boolean(c.num)};
    show();
  }
  function ordered() {
    if (!sort)
      return rows;
    const {value} = columns.find((c) => c.key === sort.key);
    const sign = sort.down ? -1 : 1;
    const gone = (v) => v === null || v === undefined || Number.isNaN(v);
    return rows.map((r, i) => [value(r), i, r]).sort((a, b) => {
      if (gone(a[0]) || gone(b[0]))
        return gone(a[0]) - gone(b[0]) || a[1] - b[1];
      const by = typeof a[0] === 'string' ? a[0].localeCompare(b[0]) : a[0] - b[0];
      return by ? sign * by : a[1] - b[1];
    }).map((x) => x[2]);
  }
  function make(row) {
    return h('tr', null, columns.map((c) =>
      h(`${c.head ? 'th' : 'td'}${c.num ? '.num' : ''}${c.wide ? '.wide' : ''}${c.act ? '.act' : ''}${c.main ? '.main' : ''}`,
        {'data-label': c.label, scope: c.head ? 'row' : null}, c.act ? c.cell(row) : null)));
  }
  function change(tr, row) {
    setAttr(tr, 'class', rowClass?.(row));
    columns.forEach((c, i) => {
      if (c.act)
        return;
      const got = c.cell(row);
      const cell = tr.children[i];
      if (got instanceof Node) {
        if (cell.shown !== got.dataset.is || !cell.shown) {
          replace(cell, got);
          cell.shown = got.dataset.is;
        }
      } else {
        setText(cell, got);
      }
    });
  }
  function show() {
    heads.forEach((th, i) => {
      if (columns[i].value)
        setAttr(th, 'aria-sort', sort?.key === columns[i].key ? (sort.down ? 'descending' : 'ascending') : 'none');
    });
    keyed(body, ordered(), keyOf, make, change);
    none.hidden = rows.length > 0;
    table.classList.toggle('is-empty', rows.length === 0);
  }
  show();
  return {
    el,
    set(next) {
      rows = next;
      show();
    },
  };
}

/* A column of what FIELD holds, as SAY says it. */
export const numbers = (t) => (key, field, say, wide) => ({key, label: t(`col.${key}`), num: true, wide, value: (r) => r[field], cell: (r) => say(r[field])});

/* A node for a cell that is made anew only when IS differs. */
export function marked(is, node) {
  node.dataset.is = is;
  return node;
}
