"""deeds.py - what each model did over the chosen range, and each client: is it told as the service has counted it, and where one looked before?

For `run`: real() with a server, visit() against mock.py.
"""
import threading
import time
from urllib.parse import quote

import mock
from servers import fetch

CARD = "[...document.querySelectorAll('main .card')].find((e) => e.querySelector('h2, h3')?.textContent === arguments[0])"
ROWS = f"return [...({CARD}).querySelectorAll('tbody tr')].map((tr) => [...tr.children].map((e) => e.textContent))"
LEGEND = f"return Object.fromEntries([...({CARD}).querySelectorAll('.legend li')].map((e) => [e.childNodes[1].data.trim(), e.lastChild.textContent]))"
HOURS = f"return [...({CARD}).querySelectorAll('td.num')].map((e) => e.textContent).join()"
CELLS = f"return [...({CARD}).querySelectorAll('td.num')].filter((e) => e.textContent).length"
PICKED = "return document.querySelector('main .spring + label + select[id^=one]')?.value"
TITLES = {"models": "Requests of each model", "clients": "Requests of each client"}
PLACE = "return location.search"


def number(text):
    return int(text.replace(",", ""))


def pick(b, name):
    b.run("const e = document.querySelector('main select[id^=one]'); e.value = arguments[0]; e.dispatchEvent(new Event('change'))", name)


def of(url, view, name=None, headers=None, seconds=3600):
    """What the API has of the last hour, or of so many seconds, by name: sums."""
    one = f"&name={quote(name, safe='')}" if name else ""
    got = fetch(f"{url}/api/history?by={view[:-1]}&from=-{seconds}&points=1000{one}", headers=headers or {})[1][view]
    return {n: {k: sum(v or 0 for v in column) for k, column in columns.items()} for n, columns in got.items()}


def real(b, check, s):
    """A row of each is what the service has counted; all sends are what came to the upstreams."""
    headers = s.admin()
    for view, title in TITLES.items():
        b.open("about:blank")
        b.open(f"{s.url}/dashboard/?view={view}&range=1h#token={s.token}")
        want = lambda: {n: [c[k] for k in ("requests", "streams", "sends", "refused", "errors")] for n, c in of(s.url, view, headers=headers).items()}
        shown = lambda: {r[0]: [number(r[i]) for i in (1, 2, 3, 5, 6)] for r in b.run(ROWS, title)}
        check(f"deeds: {view} have what the service has counted", b.until(lambda: b.run(f"return Boolean({CARD})", title) and shown() and shown() == want()),
              f"{shown()} {want()}")
        picked = b.run(PICKED)
        check(f"deeds: of {view} the busiest is shown", picked and want()[picked][0] == max(c[0] for c in want().values()), picked)
        one = lambda: of(s.url, view, picked, headers)[picked]
        check(f"deeds: and in full, of {view}", b.until(lambda: number(b.run(LEGEND, "Requests")["Requests"]) == one()["requests"]) and one()["queue_n"] > 0,
              f"{b.run(LEGEND, 'Requests')} {one()}")


class Deeds:
    def __init__(self, b, check, serious):
        self.b, self.check, self.serious = b, check, serious
        self.server = mock.serve("busy")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def open(self, query):
        self.b.open("about:blank")
        self.b.open(f"{self.url}/dashboard/?{query}")
        self.b.until(lambda: self.b.run("return /\\d/.test(document.querySelector('.of-one .legend b')?.textContent)"))

    def place(self, view, names):
        b = self.b
        self.open(f"view={view}&range=6h")
        self.check(f"deeds: an address opens {view} with its range", b.run("return document.querySelector('.segments [aria-pressed=true]').textContent") == "6 h")
        legend = lambda: b.run(LEGEND, TITLES[view])
        self.check(f"deeds: {view} have a past by name, from the service", b.until(lambda: set(legend()) == set(names)), legend())
        shown = lambda: sum(number(r[1]) for r in b.run(ROWS, TITLES[view]))
        want = lambda: sum(c["requests"] for c in of(self.url, view, seconds=21600).values())
        self.check("deeds: over that range", b.until(lambda: abs(shown() - want()) < want() / 20), f"{shown()}, {want()} in 6 h")
        first = b.run(PICKED)
        self.check(f"deeds: the busiest of {view} is shown first", first == names[0], first)
        before = b.run(LEGEND, "Requests")
        b.until(lambda: b.run(CELLS, "Hours of the week") > 100)
        hours = b.run(HOURS, "Hours of the week")
        pick(b, names[2])
        self.check("deeds: another one is shown", b.until(lambda: b.run(LEGEND, "Requests") != before) and
                   b.run("return document.querySelector('main section.stack h2').textContent") == names[2], b.run(LEGEND, "Requests"))
        self.check("deeds: with hours of its own", b.until(lambda: b.run(HOURS, "Hours of the week") != hours))
        self.check("deeds: and stands in the address", b.run(PLACE) == f"?view={view}&range=6h&name={quote(names[2], safe='')}", b.run(PLACE))
        b.run("location.reload()")
        self.check("deeds: which opens it again", b.until(lambda: b.run(PICKED) == names[2]), b.run(PICKED))
        for title in ("Size", "Tokens", "Time in the queue", "Time to the first byte", "What went wrong"):
            self.check(f"deeds: {title} is told of it", b.until(lambda: any(c.isdigit() for c in "".join(b.run(LEGEND, title).values()))), b.run(LEGEND, title))
        self.check("deeds: and its hours of the week", b.until(lambda: b.run(CELLS, "Hours of the week") > 100), b.run(CELLS, "Hours of the week"))
        b.run("location.hash = '#/now'")
        self.check("deeds: another view has no name", b.until(lambda: b.run(PLACE) == "?view=now&range=6h"), b.run(PLACE))
        self.open(f"view={view}&range=6h&name=nobody")
        self.check("deeds: of who did nothing there is nothing", b.until(lambda: b.run(PICKED) == "nobody") and
                   b.run(LEGEND, "Requests")["Requests"] in ("0", "\u2013"), b.run(LEGEND, "Requests"))

    def nobody(self):
        """Before the first request no figure of anybody stands there, and nothing is said to come."""
        server = mock.serve("first")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.b.open(f"http://127.0.0.1:{server.server_port}/dashboard/?view=models&range=10m")
        self.check("deeds: where nobody did anything none is chosen", self.b.until(lambda: "Nothing ended in this time" in self.b.text("main") and
                   not self.b.run("return document.querySelector('main section.stack').checkVisibility()")), self.b.text("main"))
        self.b.open("about:blank")
        server.shutdown()
        server.server_close()

    def form(self, view):
        """Nothing moves, in both languages, at each width, for everybody."""
        b = self.b
        b.size(1280, 900)
        self.open(f"view={view}&range=10m")
        time.sleep(1)
        b.run("window.shifts = []")
        time.sleep(6)
        shifts = b.run("return window.shifts ?? []")
        self.check(f"deeds: nothing moves in {view}", sum(x["value"] for x in shifts) < 0.02, shifts[:4])
        b.run("const e = document.querySelector('.tools select'); e.value = 'zh'; e.dispatchEvent(new Event('change'))")
        self.check(f"deeds: {view} in Chinese, too", b.until(lambda: {"输入字节", "错误"} <= set(b.run("return [...document.querySelectorAll('main th')].map((e) => e.textContent.replace(/\\W*[↕↓↑]$/, ''))"))))
        for width in (360, 800, 2560):
            b.size(width, 900)
            time.sleep(0.3)
            wide = b.run("return document.documentElement.scrollWidth")
            self.check(f"deeds: {view} fit {width} px", wide <= width, wide)
        for scheme in ("light", "dark"):
            b.scheme(scheme)
            found = self.serious()
            self.check(f"deeds: axe-core finds nothing serious in {view}, {scheme}", not found, found)
        b.scheme("light")
        b.run("const e = document.querySelector('.tools select'); e.value = 'en'; e.dispatchEvent(new Event('change'))")
        b.size(1280, 800)

    def asked(self):
        """What a page asks for that nobody looks at is nothing; of names each five seconds."""
        b = self.b
        self.open("view=clients&range=10m")
        count = "return performance.getEntriesByType('resource').filter((e) => e.name.includes('/api/history')).length"
        b.run("performance.clearResourceTimings()")
        time.sleep(11)
        n = b.run(count)
        self.check("deeds: names are asked for each five seconds", 2 <= n <= 8, n)


def visit(b, check, serious):
    d = Deeds(b, check, serious)
    try:
        d.place("models", mock.MODELS[:5])
        d.place("clients", mock.CLIENTS)
        d.form("models")
        d.form("clients")
        d.asked()
        d.nobody()
    finally:
        b.open("about:blank")
        d.server.shutdown()
        d.server.server_close()
