"""went.py - is it told where requests went, as the service has counted it, and only where there is a choice?

For `run`: alone() with one upstream, several() with a pool of keys and others, many() against mock.py.
"""
import threading
import time

import mock
from servers import fetch, until

CARD = "[...document.querySelectorAll('.card')].find((e) => ['Where requests went', '请求去了哪里'].includes(e.querySelector('h2, h3')?.textContent))"
ROWS = f"return [...({CARD}).querySelectorAll('tbody tr')].map((tr) => [...tr.children].map((e) => e.textContent))"
LEGEND = f"return [...({CARD}).querySelectorAll('.legend li')].map((e) => e.textContent.trim())"
# Columns of the picture with any colour in them, of all between the axes.
PAINTED = f"""const c = ({CARD}).querySelector('canvas'); const y = Math.round(c.height * 0.85);
  const copy = Object.assign(document.createElement('canvas'), {{width: c.width, height: c.height}}); const g = copy.getContext('2d', {{willReadFrequently: true}});
  g.drawImage(c, 0, 0); const d = g.getImageData(0, y, c.width, 1).data; let n = 0; for (let i = 0; i < d.length; i += 4) n += d[i + 3] === 255 && Math.max(d[i], d[i + 1], d[i + 2]) - Math.min(d[i], d[i + 1], d[i + 2]) > 40; return n"""


def is_seen(b):
    return b.run(f"return Boolean(({CARD})?.checkVisibility())")


def show(b, name):
    b.run("[...document.querySelectorAll('.segments button')].find((e) => e.textContent === arguments[0]).click()", name)


def alone(b, check, go):
    go(b, "capacity")
    check("went: where requests went is no question with one upstream", b.run(f"return Boolean({CARD})") and not is_seen(b))
    go(b, "now")


def several(b, check, s):
    """What the page tells of each is what the service has counted."""
    def told(seconds):
        up = fetch(f"{s.url}/api/history?by=upstream&from=-{seconds}", headers=s.admin())[1]["upstreams"]
        some = lambda name, key: sum(v or 0 for v in up[name][key])
        return {name: (some(name, "sends"), some(name, "refused"), some(name, "tokens_in"), some(name, "tokens_out")) for name in up}

    number = lambda text: int(text.replace(",", ""))
    shown = lambda: {r[0]: (number(r[1]), number(r[3]), number(r[4]), number(r[5])) for r in b.run(ROWS)}
    check("went: with several it is", b.until(lambda: is_seen(b)))
    for name, seconds in (("10 min", 600), ("6 h", 21600)):
        show(b, name)
        check(f"went: each has its sends, refusals and tokens, over {name}", b.until(lambda: shown() == told(seconds)), f"{shown()} {told(seconds)}")
    counted = told(21600)
    check("went: keys of a pool and others have their own", {"main", "main-2", "main-3", "local"} <= set(counted) and counted["main"][0] == 4 and counted["main"][3] > 0, counted)
    legend = b.run(LEGEND)
    check("went: the chart names them, with their sums", {f"{name} {n[0]}" for name, n in counted.items()} == set(legend), legend)
    check("went: and is drawn", b.until(lambda: b.run(PAINTED) > 0), b.run(PAINTED))
    b.run(f"({CARD}).querySelector('.plot').focus()")
    b.press("left")
    said = b.run(f"return ({CARD}).querySelector('.plot').getAttribute('aria-label')")
    check("went: it is read aloud", "main-2" in said, said)
    b.press("escape")
    show(b, "10 min")


def many(b, check, serious):
    """More than there are colours, one of which is gone; in both languages."""
    server = mock.serve("many")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        server.world.upstreams = [f"up-{i:02}" for i in range(11)]
        b.open(f"http://127.0.0.1:{server.server_port}/dashboard/#/capacity")
        check("went: eleven are in the table", b.until(lambda: is_seen(b) and len(b.run(ROWS)) == 11), b.run(ROWS) if is_seen(b) else "")
        legend = b.run(LEGEND)
        check("went: the chart has those with the most, and the others", len(legend) == 8 and any(e.startswith("others") for e in legend), legend)
        server.world.upstreams = ["up-00", "up-01"]
        show(b, "1 h")
        check("went: as many as were used are told", b.until(lambda: len(b.run(ROWS)) == 2 and len(b.run(LEGEND)) == 2), b.run(ROWS))
        b.run("const e = document.querySelector('.tools select'); e.value = 'zh'; e.dispatchEvent(new Event('change'))")
        heads = f"return [...({CARD}).querySelectorAll('th')].map((e) => e.textContent)"
        check("went: in Chinese, too", b.until(lambda: is_seen(b) and "答 429" in b.run(heads)), b.run(heads))
        for width in (360, 1280):
            b.size(width, 800)
            time.sleep(0.5)
            wide = b.run("return document.documentElement.scrollWidth")
            check(f"went: it fits {width} px", wide <= width, wide)
        found = serious()
        check("went: axe-core finds nothing serious", not found, found)
        b.run("const e = document.querySelector('.tools select'); e.value = 'en'; e.dispatchEvent(new Event('change'))")
        server.world.upstreams = ["up-00"]
        show(b, "6 h")
        check("went: it goes where there is one left", until(lambda: not is_seen(b)))
        show(b, "10 min")
    finally:
        server.shutdown()
