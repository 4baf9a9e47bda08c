#!/usr/bin/env python3
"""sweep.py - is anything cut, empty or unreadable, in whatever state, view, width, colours and language?

    tests/browser/sweep.py                        all of it: 8 views x 4 widths x light and dark x 2 languages x 6 states
    tests/browser/sweep.py --states lost,first --pictures /tmp/seen

Against mock.py. `run` has a sample of it, in which each state meets each view, and all widths, colours and languages are;
SWEEP=all takes all there, too.
"""
import argparse
import itertools
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import mock  # noqa: E402

STATES = ["busy", "retreat", "capped", "refused", "lost", "first"]
VIEWS = ["now", "requests", "models", "clients", "reliability", "capacity", "keys", "settings"]
WIDTHS = [360, 800, 1280, 2560]
SCHEMES = ["light", "dark"]
LANGUAGES = ["en", "zh"]

# What is wrong with what is seen.  A text is cut where one that hides ends before it does, unless its title has it whole; what scrolls is not cut.
LOOK = r"""
const wrong = [];
const shown = (e) => e.checkVisibility({visibilityProperty: true, opacityProperty: true}) && !e.closest('.sr, .skip, dialog:not([open]), .tip, option, .notices');
const who = (e) => `${e.tagName.toLowerCase()}.${e.className?.baseVal ?? e.className}: ${e.textContent.trim().slice(0, 40)}`;
const wide = document.documentElement.scrollWidth - innerWidth;
if (wide > 0) wrong.push(`the page is ${wide} px too wide`);
for (const e of document.querySelectorAll('body *')) {
  if (!shown(e) || getComputedStyle(e).clipPath !== 'none') continue;
  if (e.matches('input:placeholder-shown') && e.placeholder.trim()) {
    const s = getComputedStyle(e), g = document.createElement('canvas').getContext('2d');
    g.font = `${s.fontWeight} ${s.fontSize} ${s.fontFamily}`;
    if (g.measureText(e.placeholder).width > e.clientWidth - parseFloat(s.paddingLeft) - parseFloat(s.paddingRight) + 1) wrong.push(`cut placeholder ${e.placeholder}`);
  }
  const texts = [...e.childNodes].filter((n) => n.nodeType === 3 && n.data.trim());
  if (/^(DD|DT|H1|H2|H3|BUTTON|LEGEND|LABEL|TH)$/.test(e.tagName) && !e.textContent.trim() && !e.getAttribute('aria-label') && !e.title) wrong.push(`empty ${who(e)} in ${who(e.parentElement)}`);
  for (const n of texts) {
    if (/NaN|undefined|\[object|\{\w+\}|Infinity/.test(n.data)) wrong.push(`odd ${who(e)}`);
    const range = document.createRange();
    range.selectNodeContents(n);
    const r = range.getBoundingClientRect();
    if (!r.width) continue;
    for (let a = e; a && a !== document.body; a = a.parentElement) {
      const s = getComputedStyle(a);
      if (/auto|scroll/.test(s.overflowX + s.overflowY)) break;
      if (s.overflowX === 'visible' && s.overflowY === 'visible') continue;
      const box = a.getBoundingClientRect();
      const out = r.right > box.right + 1 || r.left < box.left - 1 || r.bottom > box.bottom + 3 || r.top < box.top - 3;
      if (out && !e.closest('[title]')?.title.includes(n.data.trim().slice(0, 200))) wrong.push(`cut ${who(e)}`);
      if (out) break;
    }
  }
}
for (const card of document.querySelectorAll('main .card')) {
  if (!shown(card)) continue;
  if (card.matches('details:not([open])')) continue;
  const title = card.querySelector('h2, h3, legend')?.textContent ?? '';
  const full = card.innerText.replace(title, '').trim() || card.querySelector('canvas, input');
  if (!full) wrong.push(`an empty card: ${who(card)}`);
}
if ((document.querySelector('main')?.innerText.trim().length ?? 0) < 6) wrong.push('an empty view');
const head = document.querySelector('main').getBoundingClientRect().top + scrollY;
if (innerWidth < 500 && head > innerHeight / 2) wrong.push(`the head takes ${Math.round(head)} of ${innerHeight} px`);
return [...new Set(wrong)];
"""


def sample():
    """Each state with each view; width, colours and language go round."""
    for i, (state, view) in enumerate(itertools.product(STATES, VIEWS)):
        yield state, WIDTHS[(i + i // len(VIEWS)) % 4], SCHEMES[i // 2 % 2], LANGUAGES[(i // 3 + i // len(VIEWS)) % 2], view


def whole():
    return itertools.product(STATES, WIDTHS, SCHEMES, LANGUAGES, VIEWS)


class Sweep:
    def __init__(self, b, check, serious, pictures=None):
        self.b, self.check, self.serious, self.pictures = b, check, serious, pictures
        self.server = self.language = None

    def open(self, state):
        self.server = mock.serve(state)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.b.open(f"http://127.0.0.1:{self.server.server_port}/dashboard/?view=now&range=10m#token={mock.TOKEN}")
        self.b.until(lambda: self.b.run("return document.querySelector('.verdict').dataset.tone") != "none", 10)
        if state == "lost":
            self.b.until(lambda: self.b.run("return !document.querySelector('.lost').hidden"), 20)
        self.language = None

    def close(self):
        self.b.open("about:blank")
        self.server.shutdown()
        self.server.server_close()

    def show(self, state, width, scheme, language, view):
        b = self.b
        b.size(width, 800)
        b.scheme(scheme, "reduce")
        if language != self.language:
            b.run("const e = document.querySelector('.tools select'); e.value = arguments[0]; e.dispatchEvent(new Event('change'))", language)
            self.language = language
        b.run("location.hash = `#/${arguments[0]}`", view)
        # Charts, tables and settings are asked for; of a server that is lost nothing comes.
        b.until(lambda: b.run("return document.querySelector('.shell').dataset.view === arguments[0] && ![...document.querySelectorAll('.plot-empty, .setting-value')].some("
                              "(e) => e.checkVisibility() && e.matches('.plot-empty'))", view), 1 if state == "lost" else 5)
        time.sleep(0.15)

    def look(self, combination):
        state, width, scheme, language, view = combination
        self.show(*combination)
        wrong = self.b.until(lambda: not self.b.run(LOOK), 2) is not True and self.b.run(LOOK) or []
        wrong += [f"axe: {x}" for x in self.serious()]
        self.check(f"{view} is whole: {state}, {width} px, {scheme}, {language}", not wrong, "\n            ".join(wrong[:8]))
        if self.pictures:
            height = self.b.run("return document.documentElement.scrollHeight")
            self.b.size(width, min(6000, max(800, height)))
            self.b.picture(self.pictures / f"{state}-{view}-{width}-{scheme}-{language}.png")


def visit(b, check, serious, combinations, pictures=None):
    s = Sweep(b, check, serious, pictures)
    for state, group in itertools.groupby(combinations, lambda c: c[0]):
        s.open(state)
        try:
            for combination in group:
                s.look(combination)
        finally:
            s.close()
    b.size(1280, 800)
    b.scheme("light")


def main():
    import runpy
    from driver import Browser
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, all_ in (("states", STATES), ("views", VIEWS), ("widths", WIDTHS), ("schemes", SCHEMES), ("languages", LANGUAGES)):
        p.add_argument(f"--{name}", default=",".join(map(str, all_)))
    p.add_argument("--sample", action="store_true")
    p.add_argument("--pictures", type=pathlib.Path)
    a = p.parse_args()
    run = runpy.run_path(str(pathlib.Path(__file__).parent / "run"), run_name="parts")
    wanted = [set(getattr(a, name).split(",")) for name in ("states", "widths", "schemes", "languages", "views")]
    some = [c for c in (sample() if a.sample else whole()) if all(str(x) in w for x, w in zip(c, wanted))]
    counts, started = {True: 0, False: 0}, time.monotonic()

    def check(what, holds, have=""):
        counts[bool(holds)] += 1
        if not holds:
            print(f"FAIL sweep: {what}\n     (have: {have})", flush=True)

    if a.pictures:
        a.pictures.mkdir(parents=True, exist_ok=True)
    b = Browser()
    try:
        script = run["axe_script"]()
        visit(b, check, lambda: run["serious"](b, script), some, a.pictures)
    finally:
        b.end()
    print(f"  {time.monotonic() - started:.0f} s")
    print(f"{counts[True]} passed, {counts[False]} failed")
    sys.exit(counts[False] > 0)


if __name__ == "__main__":
    main()
