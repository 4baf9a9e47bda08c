"""figures.py - do figures add up, say what they are of, and begin and end where the data do; can what is seen be passed on?

For `run`, against mock.py: its world can have a gap, an hour of past, or nothing but clients' errors.
"""
import base64
import re
import threading
import time
from urllib.parse import unquote

import mock

NUM = """return [...document.querySelectorAll('main table:not(.week)')].flatMap((table) => [...table.querySelectorAll('thead th')].map((th, i) => [th.textContent,
  [...table.querySelectorAll('tbody tr')].map((tr) => tr.children[i].textContent.replace(/[ ★]+$/, ''))]))"""
# Colours of the lines of a chart (its title is the argument) within a part of its width.
LINE = """const card = [...document.querySelectorAll('main .card')].find((e) => e.querySelector('h2, h3')?.textContent === arguments[0]);
  const c = card.querySelector('canvas'); const copy = Object.assign(document.createElement('canvas'), {width: c.width, height: c.height});
  const g = copy.getContext('2d', {willReadFrequently: true}); g.drawImage(c, 0, 0); const w = c.width - 58; let n = 0;
  const d = g.getImageData(48 + w * arguments[1], 8, w * arguments[2] - w * arguments[1], c.height - 30).data;
  for (let i = 0; i < d.length; i += 4) n += d[i + 3] > 200 && Math.max(d[i], d[i + 1], d[i + 2]) - Math.min(d[i], d[i + 1], d[i + 2]) > 40; return n"""


class Figures:
    def __init__(self, b, check):
        self.b, self.check = b, check
        self.server = mock.serve("busy")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.world = self.server.world
        self.url = f"http://127.0.0.1:{self.server.server_port}/dashboard/"

    def open(self, view, range_="10m", ready="/\\d/.test(document.querySelector('.legend b')?.textContent)"):
        self.b.open("about:blank")
        self.b.open(f"{self.url}?view={view}&range={range_}")
        self.b.until(lambda: self.b.run(f"return document.querySelector('.verdict').dataset.tone !== 'none' && {ready}"))

    def facts(self):
        return dict(self.b.run("return [...document.querySelectorAll('main dl div')].map((e) => [e.firstChild.textContent, e.lastChild.textContent])"))

    # ---- what adds up

    def shortfall(self):
        self.world.busyness = 1.17  # more is wanted than is allowed
        self.open("capacity")
        self.b.until(lambda: "too few" in self.b.text(".lead"))
        said = re.match(r"([\d.]+) a minute were wanted, ([\d.]+) are allowed: ([\d.]+) too few", self.b.text(".lead"))
        self.check("figures: what is short is what was wanted and is not allowed", said and abs(float(said[1]) - float(said[2]) - float(said[3])) < 1e-9, self.b.text(".lead"))
        facts = self.facts()
        self.check("figures: in the facts, too", said and [facts[k] for k in ("Wanted", "Allowed", "Shortfall")] == [f"{n}/min" for n in said.groups()], facts)
        self.world.busyness = None

    def coverage(self):
        self.open("reliability")
        said = re.search(r"Tokens of ([\d,]+) of ([\d,]+) answers", self.b.text("main"))
        self.check("figures: tokens say of how many answers they are", said and 0 < int(said[1].replace(",", "")) < int(said[2].replace(",", "")), self.b.text(".card"))
        self.open("models", ready="document.querySelector('main tbody tr')")
        self.check("figures: those of models, too", "Tokens of " in self.b.text("main") and "75 %" in self.b.text("main"), self.b.text("main"))

    def uncounted(self):
        self.world.only = "client_error"
        self.open("reliability")
        text = self.b.text("main .card")
        self.check("figures: what ended and does not count is told as that", "each by its client" in text and "Nothing ended" not in text, text)
        self.world.only = None

    def decimals(self):
        for view in ("models", "clients", "requests"):
            self.open(view, ready="document.querySelector('main tbody tr')")
            self.b.size(2560, 1000)
            odd = []
            for head, cells in self.b.run(NUM):
                by_unit = {}
                for cell in cells:
                    found = re.fullmatch(r"[\d,]+(?:\.(\d+))?([^\d]*)", cell)
                    if found:
                        by_unit.setdefault(found[2].strip() if "." in cell else "", set()).add(len(found[1] or ""))
                places = {n for s in by_unit.values() for n in s}
                if len(places) > 1 and not ({"K", "M", "kB", "MB"} & set(by_unit)):
                    odd.append(f"{head}: {cells[:8]}")
            self.check(f"figures: a column has one number of decimals, in {view}", not odd, odd)
        self.b.size(1280, 800)

    def once(self):
        self.open("models", ready="document.querySelector('main tbody tr')")
        both = self.b.run("""const on = new Set([...document.querySelectorAll('.model-cards dt')].map((e) => e.textContent));
            return [...document.querySelectorAll('main thead th')].map((e) => e.textContent).filter((x) => on.has(x))""")
        self.check("figures: the table of models repeats nothing of the cards", not both, both)
        tops = self.b.run("return [...document.querySelectorAll('.model .mini')].slice(0, 4).map((e) => Math.round(e.getBoundingClientRect().top))")
        self.check("figures: cards beside each other have their figures on one line", len(set(tops)) == 1, tops)

    # ---- what was

    def begins(self):
        self.world.kept_s = 3000
        self.open("reliability", "30d")
        self.b.run("document.querySelector('main .plot').focus()")
        self.b.press("Home")
        first = self.b.run("return document.querySelector('main .plot').getAttribute('aria-label')")
        clock = re.search(r"(\d\d):(\d\d)", first)
        ago = (time.time() - (int(clock[1]) * 60 + int(clock[2])) * 60 + time.timezone * -1) % 86400 if clock else 0
        self.check("figures: 30 days of a service of an hour begin where it began", 2700 <= ago <= 3300, f"{first}: {ago:.0f} s ago")
        self.world.kept_s = 31 * 86400

    def gaps(self):
        self.world.gap = (time.time() - 420, time.time() - 180)
        self.open("reliability")
        self.check("figures: a line ends where data end", self.b.until(lambda: self.b.run(LINE, "Time to the first byte", 0.05, 0.2) > 20) and
                   self.b.run(LINE, "Time to the first byte", 0.36, 0.62) == 0, self.b.run(LINE, "Time to the first byte", 0.36, 0.62))
        self.world.gap = None
        self.open("now")
        titles = self.b.run("return [...document.querySelectorAll('.timeline h3')].map((e) => e.textContent)")
        self.check("figures: queue and first byte have a chart each", {"Time in the queue", "Time to the first byte"} <= set(titles), titles)

    # ---- settings

    def settings(self):
        self.open("settings", ready="document.querySelector('.setting')")
        groups = self.b.run("return [...document.querySelectorAll('.settings fieldset')].map((e) => [e.querySelector('legend').textContent, e.querySelectorAll('output').length, e.querySelectorAll('.setting').length])")
        self.check("figures: what can be changed stands before what cannot", all(fixed == 0 for _, fixed, _ in groups[:-1]) and groups[-1][1] == groups[-1][2] > 0, groups)
        self.check("figures: no default is said twice", not re.search(r"default\s*default", self.b.text(".settings")), "")
        shown = lambda: self.b.run("return [...document.querySelectorAll('.setting')].filter((e) => e.checkVisibility()).map((e) => e.querySelector('code').textContent)")
        self.b.type(".settings [type=search]", "queue.")
        self.check("figures: a search leaves those of that name", shown() and all(k.startswith("queue.") for k in shown()), shown())
        self.b.press("enter")
        self.b.type(".settings [type=search]", "no such thing")
        self.check("figures: or says that there is none", not shown() and "No setting" in self.b.text(".settings .empty"), shown())
        self.b.run("[...document.querySelectorAll('.settings [role=navigation] button')].at(-1).click()")
        self.check("figures: a group is one click away", self.b.until(lambda: self.b.run(
            "const r = document.activeElement.getBoundingClientRect(); return document.activeElement.matches('fieldset:last-of-type') && r.top < innerHeight")) and len(shown()) > 10, shown())

    # ---- what is passed on

    def address(self):
        view = lambda: self.b.run("return [document.querySelector('.shell').dataset.view, document.querySelector('.segments [aria-pressed=true]')?.textContent, location.search + location.hash]")
        self.open("reliability", "6h")
        self.check("figures: an address opens its view and range", self.b.until(lambda: view() == ["reliability", "6 h", "?view=reliability&range=6h"]), view())
        self.check("figures: another's range is not kept", "h6" not in self.b.run("return localStorage.getItem('sluice.range') ?? ''"))
        self.b.run("[...document.querySelectorAll('.segments button')].find((e) => e.textContent === '24 h').click()")
        self.check("figures: a choice stands in the address", view()[2] == "?view=reliability&range=24h", view())
        self.b.run("location.hash = '#/capacity'")
        self.check("figures: #/ goes on to work, and is taken into it", self.b.until(lambda: view() == ["capacity", "24 h", "?view=capacity&range=24h"]), view())
        self.b.run("history.back()")
        self.check("figures: back is back", self.b.until(lambda: view()[0] == "reliability"), view())
        self.open("nonsense", "7y")
        self.check("figures: an address of nothing opens the first view", self.b.until(lambda: view()[0] == "now" and view()[1]), view())
        to = int(time.time()) - 3600
        self.open("now", f"{to - 7200}-{to}")
        self.check("figures: a range from a moment to another, too", self.b.until(lambda: view()[1:] == ["Custom", f"?view=now&range={to - 7200}-{to}"]), view())

    def picture(self):
        """Once as it is, once where the browser gives no PNG: the SVG can be read."""
        click = """HTMLAnchorElement.prototype.click = function () { window.saved = [this.download, this.href]; };
            document.querySelector('[title^="Save a picture"]').click()"""
        for view in ("now", "requests", "clients", "settings"):
            there = "main fieldset" if view == "settings" else "main :is(.client, .main)"
            self.open(view, ready=f"document.querySelector('{there}') && document.querySelector('[title^=\"Save a picture\"]')")
            self.b.run(click)
            name, href = self.b.until(lambda: self.b.run("return window.saved")) or ["", ""]
            png = base64.b64decode(href.partition("base64,")[2] or b"")
            self.check(f"figures: a picture of {view} is a PNG, twice as fine", re.fullmatch(rf"sluice-{view}-\d{{14}}\.png", name) and png[:8] == b"\x89PNG\r\n\x1a\n" and
                       int.from_bytes(png[16:20], "big") == 2 * self.b.run("return document.querySelector('.shell').clientWidth"), [name, href[:40]])
            self.b.run("window.saved = null; Image.prototype.decode = () => Promise.reject(new Error()); " + click)
            name, href = self.b.until(lambda: self.b.run("return window.saved")) or ["", ""]
            text = unquote(href)
            seen = self.b.run("return document.querySelector('main').textContent")
            named = [c for c in mock.CLIENTS if re.search(rf"(?<![\w.-]){re.escape(c)}(?![\w-])", text)]
            self.check(f"figures: without one it is an SVG, {view}", name.endswith(".svg") and self.b.text("h1")[-12:] in text, name)
            self.check(f"figures: with no client's name in it, {view}", not named and (view in ("settings",) or "client 1" in text), named)
            self.check(f"figures: which stay in the page, {view}", view == "settings" or any(c in seen for c in mock.CLIENTS), "")
            self.check(f"figures: and no token, {view}", mock.TOKEN not in re.sub(r"(?s)<style.*?</style>", "", text))
        self.b.run("sessionStorage.setItem('sluice.token', arguments[0])", mock.TOKEN)
        self.open("now")
        self.b.run("document.querySelector('.first').open = true; [...document.querySelectorAll('.first button')].find((e) => e.textContent === 'Make a client key').click()")
        made = self.b.until(lambda: self.b.text(".told .secret"))
        self.b.run("Image.prototype.decode = () => Promise.reject(new Error()); " + click)
        _, href = self.b.until(lambda: self.b.run("return window.saved")) or ["", ""]
        text = unquote(href)
        self.check("figures: a key that was just made is not in it", made.startswith("sk-sluice-") and "Connect a client" in text and made not in text, made[:12])
        self.check("figures: nor the token that made it", mock.TOKEN not in re.sub(r"(?s)<style.*?</style>|is-practice", "", text))
        self.b.run("location.hash = '#/keys'")
        self.check("figures: of keys there is no picture", self.b.until(lambda: self.b.run("return document.querySelector('[title^=\"Save a picture\"]').disabled")))


def visit(b, check):
    f = Figures(b, check)
    try:
        for part in (f.shortfall, f.coverage, f.uncounted, f.decimals, f.once, f.begins, f.gaps, f.settings, f.address, f.picture):
            part()
    finally:
        b.open("about:blank")
        f.server.shutdown()
