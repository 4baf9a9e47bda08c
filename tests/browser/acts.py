"""acts.py - can a click break anything, does the page say why and for how long, and how does a newcomer begin?

Against mock.py, in the states that are hard to bring about: a busy model, a recovery, a refused key, the first hour.
"""
import re
import threading
import time

import mock

SEEN = "const e = document.querySelector(arguments[0]); return Boolean(e && e.checkVisibility({visibilityProperty: true}))"
ORDER = "return [...document.querySelectorAll('section:nth-of-type(1) tbody tr .act button')].map((e) => e.dataset.id)"


class Visit:
    def __init__(self, b, check, serious):
        self.b, self.check, self.serious = b, check, serious

    def open(self, state, view="now", token=True):
        self.server = mock.serve(state)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.b.open("about:blank")
        self.b.open(f"http://127.0.0.1:{self.server.server_port}/dashboard/{'#token=' + mock.TOKEN if token else ''}")
        self.b.run("location.hash = arguments[0]", f"#/{view}")
        self.b.until(lambda: "Live" in self.b.text(".live"))

    def leave(self):
        self.b.open("about:blank")
        self.server.shutdown()
        self.server.server_close()

    def seen(self, css):
        return self.b.run(SEEN, css)

    def all_text(self, css):
        return self.b.run("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)", css)

    def point(self, css):
        x, y = self.b.run("const r = document.querySelector(arguments[0]).getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]", css)
        self.b.devtools("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    # ---- why, and for how long --------------------------------------------

    def busy_model(self):
        self.open("capped")
        said = self.all_text(".causes li span")
        self.check("who waits is grouped by cause", self.b.until(lambda: len(self.all_text(".causes li")) == 2), said)
        said = self.all_text(".causes li span")
        self.check("with how many a busy model takes, and when they go", re.search(r"which takes 3 at a time · in \d+ s to \d+ min", said[0]), said)
        self.check("and who waits for the window", "for the window of nim: 31 of 40" in said[1], said)
        self.check("the verdict says it", self.b.text("h1") == "50 wait · Model busy" and "4 for the window" in self.b.text(".verdict .why"), self.b.text(".verdict"))
        self.b.run("location.hash = '#/requests'")
        cells = lambda: set(self.all_text("section:nth-of-type(1) td[data-label=Why]"))
        self.check("each row says why it waits", self.b.until(lambda: cells() == {"Model busy", "Window full"}), cells())
        etas = set(self.all_text("section:nth-of-type(1) td[data-label='Goes in']"))
        self.check("a time that nobody knows is unknown", "unknown" in etas and "open" not in etas, etas)
        self.leave()

    def refused_key(self):
        self.open("refused")
        tone = self.b.run("return document.querySelector('.verdict').dataset.tone")
        self.check("a refused key is red, with what to do", tone == "bad" and "403" in self.b.text(".verdict .why") and "api_key_file" in self.b.text(".verdict .step"), self.b.text(".verdict"))
        self.leave()

    def slots(self):
        self.open("recovering")
        count = lambda kind: self.b.run("return document.querySelectorAll(`.slots .${arguments[0]}`).length", kind)
        self.check("what may not be used while it recovers is hatched", (count("shut"), count("free")) == (18, 5), (count("shut"), count("free")))
        self.check("a legend says which is what", len(self.all_text(".slot-legend span")) == 5, self.all_text(".slot-legend span"))
        label = self.b.run("return document.querySelector('.slots').ariaLabel")
        self.check("it is told to who cannot see it, too", "17 of 40 used" in label and "18 not allowed: Recovering" in label, label)
        self.point(".slots .used")
        title = lambda kind: self.b.run("return document.querySelector(`.slots .${arguments[0]}[title]`)?.title ?? ''", kind)
        self.check("a slot says when it opens", self.b.until(lambda: title("used").startswith("used: opens in")), title("used"))
        self.point(".slots .shut")
        self.check("or why it does not", self.b.until(lambda: title("shut") == "not allowed: Recovering"), title("shut"))
        self.leave()
        self.open("learned")
        self.check("a learned limit is hatched as well", count("shut") == 20, count("shut"))
        self.leave()

    # ---- what can be done --------------------------------------------------

    def ending(self):
        self.open("retreat")
        world = self.server.world
        end = ".deeds button:nth-child(2)"
        self.check("to end a retreat is not the first thing offered", self.b.run("return !document.querySelector(arguments[0]).matches('.primary')", end))
        self.b.click(end)
        self.check("what it risks is said", "most likely be refused" in self.b.text("#sure-what"), self.b.text("#sure-what"))
        self.check("nothing serious in that dialog", not self.serious(), self.serious())
        self.b.press("enter")
        self.check("Enter leaves it", self.b.until(lambda: not self.seen("dialog[open]")) and world.hold_end > time.time())
        self.b.click(end)
        self.b.click("dialog.sure button:not(.primary)")
        self.check("who means it ends it", self.b.until(lambda: world.hold_end == 0), world.hold_end)
        self.leave()

    def still_rows(self):
        self.open("busy", "requests")
        self.b.until(lambda: len(self.b.run(ORDER)) > 50)
        world = self.server.world
        self.point("section:nth-of-type(1) tbody tr:nth-child(2) td.main")
        before = self.b.run(ORDER)
        with world.lock:
            world.waiting.sort(key=world.order)
            gone = world.waiting.pop(0)["id"]
            world.waiting.reverse()
            world.order = lambda r: (-r["at"], r["id"])
        self.check("what is gone is greyed", self.b.until(lambda: self.b.run("return document.querySelector('[data-gone] button')?.dataset.id") == gone), gone)
        self.check("and can be read", not self.serious(), self.serious())
        self.check("and no row moves under the pointer", self.b.run(ORDER)[:len(before)] == before)
        heights = set(self.b.run("return [...document.querySelectorAll('section:nth-of-type(1) tbody tr')].map((e) => e.offsetHeight)"))
        self.b.run("document.querySelector('section:nth-of-type(1) tbody .act button').click()")
        self.check("a row keeps its height while it is cancelled", heights == set(self.b.run("return [...document.querySelectorAll('section:nth-of-type(1) tbody tr')].map((e) => e.offsetHeight)"))
                   and len(heights) == 1, heights)
        self.b.run("document.querySelector('.undo').click()")
        self.point("h1")
        self.check("the new order comes when the pointer leaves", self.b.until(lambda: gone not in self.b.run(ORDER) and self.b.run(ORDER)[:5] != before[:5]))
        ask = "document.querySelector('section:nth-of-type(1) tbody tr:nth-child(3) .act button')"
        self.b.run("document.querySelector('section:nth-of-type(1) tbody tr:nth-child(2) .act button').focus()")
        self.b.press("tab")
        before = self.b.run(ORDER)
        with world.lock:
            del world.order
        time.sleep(2.5)
        self.check("nor under the focus of the keyboard", self.b.run(f"return document.activeElement === {ask}") and self.b.run(ORDER)[:len(before)] == before)
        self.b.run("document.activeElement.blur()")
        self.leave()

    def cancelling(self):
        self.open("busy", "requests")
        self.b.until(lambda: self.b.run(ORDER))
        world = self.server.world
        press = "document.querySelector(`button[data-id='${arguments[0]}']`).click()"
        kept, gone, left = self.b.run(ORDER)[-3:]
        self.b.run(press, kept)
        self.b.run(press, gone)
        self.check("a cancelled request can be taken back", self.b.until(lambda: len(self.all_text(".undo")) == 2), self.all_text(".undo"))
        self.b.run(press, kept)
        self.check("what is not taken back is cancelled after 5 s", self.b.until(lambda: gone in world.cancelled), world.cancelled)
        self.b.run(press, left)
        self.b.until(lambda: self.all_text(".undo"))
        self.b.open("about:blank")
        self.check("who leaves the page has not taken it back", self.b.until(lambda: left in world.cancelled), world.cancelled)
        self.check("and what was taken back waits on", kept not in world.cancelled, world.cancelled)
        self.server.shutdown()
        self.server.server_close()

    # ---- the first minutes -------------------------------------------------

    def first(self):
        self.open("first")
        b = self.b
        self.check("an idle page shows how to connect, above all else", b.until(lambda: self.seen(".first .secret")) and b.run("return document.querySelector('.now').firstChild.open"))
        origin = b.run("return location.origin")
        self.check("with its base URL", self.all_text(".first-facts dd")[0].startswith(f"{origin}/v1"), self.all_text(".first-facts dd"))
        self.check("and whether answers are real", b.until(lambda: b.text(".badge") == "PRACTICE"), b.text(".badge"))
        self.check("where the admin token lies", "cat /var/lib/sluice/admin.token" in self.all_text(".first-facts dd"), self.all_text(".first-facts dd"))
        for name, part in (("Python", "from openai import OpenAI"), ("Node", 'import OpenAI from "openai"'), ("Claude Code", f"ANTHROPIC_BASE_URL={origin} "), ("curl", f"curl -N {origin}/v1/chat/completions")):
            b.run("[...document.querySelectorAll('.first .segments button')].find((e) => e.textContent === arguments[0]).click()", name)
            self.check(f"with a call for {name}", part in b.text(".first .secret") and ("sim/agent" if name == "Claude Code" else "meta/llama-3.1-8b-instruct") in b.text(".first .secret"), b.text(".first .secret"))
        self.check("nothing serious in it", not self.serious(), self.serious())
        before = set(self.server.world.keys)
        b.run("document.querySelector('.first-facts button:not(.small)').click()")
        self.check("one click makes a key for somebody else, told once", b.until(lambda: b.text(".told .secret").startswith("sk-sluice-")), b.text(".told"))
        self.check("which the service has", len(set(self.server.world.keys) - before) == 1, set(self.server.world.keys))
        b.click(".told .primary")
        self.check("and goes with its box", "sk-sluice-" not in b.run("return document.documentElement.outerHTML"))
        b.run("window.shifts = []")
        with self.server.world.lock:
            self.server.world.end(self.server.world.row(time.time()), time.time())
        self.check("that a request has come is told there", b.until(lambda: "A request has come" in b.text(".first")), b.text(".first .card-note"))
        shifts = sum(x["value"] for x in b.run("return window.shifts"))
        self.check("and nothing moves for it", shifts < 0.02, shifts)
        with self.server.world.lock:
            self.server.world.own_key = False
        self.check("where clients bring the upstream's key, it says that there is none to give", b.until(lambda: "none to give out" in b.text(".first-facts") and
                   not self.seen(".first-facts button:not(.small)")), b.text(".first-facts"))
        self.leave()
        self.open("idle")
        self.check("later it waits, closed, below all else", b.until(lambda: b.run("const e = document.querySelector('.first'); return e === e?.parentNode.lastChild && !e.open")))
        self.leave()

    def asked(self):
        self.open("idle", "requests", token=False)
        self.b.run("document.querySelector('.deeds button:last-child').click()")
        self.b.until(lambda: self.seen("#ask-where code"))
        self.check("the dialog says where the token lies here", self.b.text("#ask-where code") == "cat /var/lib/sluice/admin.token", self.b.text("#ask-where"))
        self.b.press("escape")
        self.leave()



def visit(b, check, serious):
    v = Visit(b, check, serious)
    for part in (v.busy_model, v.refused_key, v.slots, v.ending, v.still_rows, v.cancelling, v.first, v.asked):
        part()
