"""keys.py - are keys made, told once, changed and revoked as the page says, and by nobody else?

Against mock.py: it has a key of each kind at once (made, expired, of the settings file), and lets a test look at what it
was told. Named by what a user would do; visit() is all of it.
"""
import threading

import mock

ODD = "<img src=x onerror=window.hacked=1>/../%2f{n}&\"'é"
ROW = "[...document.querySelectorAll('.keys tbody tr')].find((tr) => tr.querySelector('.main').textContent === arguments[0])"
SEEN = "const e = document.querySelector(arguments[0]); return Boolean(e && e.checkVisibility())"
# English words where the text should be Chinese; names, ids and what a client needs are the same in every language.
ENGLISH = """return [...document.querySelectorAll('.keys *')].filter((e) => !e.matches('code, td, tbody th, .secret') && [...e.childNodes].some((n) =>
  n.nodeType === 3 && /[a-z]{2,}/i.test([...arguments[0], 'anonymous', 'unknown', 'UTF', 'Sluice'].reduce((text, word) => text.replaceAll(word, ''), n.data)))
  ).map((e) => e.textContent)"""


class Visit:
    def __init__(self, b, check, serious):
        self.b, self.check, self.serious = b, check, serious
        self.server = mock.serve("busy")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.keys = self.server.world.keys
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def end(self):
        self.server.shutdown()

    # What is on the page.
    def seen(self, css):
        return self.b.run(SEEN, css)

    def row(self, name, css="*"):
        return self.b.run(f"return [...({ROW})?.querySelectorAll(arguments[1]) ?? []].map((e) => e.textContent)", name, css)

    def cell(self, name, label):
        return self.b.run(f"return [...({ROW})?.children ?? []].find((e) => e.dataset.label === arguments[1])?.textContent", name, label)

    def press(self, name, button):
        self.b.run(f"[...({ROW}).querySelectorAll('button')].find((e) => e.textContent.startsWith(arguments[1])).click()", name, button)

    def fill(self, scope, **values):
        for name, value in values.items():
            self.b.run("""const e = document.querySelector(`${arguments[0]} .key-${arguments[1]} :is(input, select)`); e.value = arguments[2];
              e.dispatchEvent(new Event('input', {bubbles: true}))""", scope, name, value)

    def wrong(self, scope):
        return self.b.run("return [...document.querySelectorAll(`${arguments[0]} .form-error`)].filter((e) => !e.hidden).map((e) => e.textContent).join('')", scope)

    def asking(self):
        return self.b.run("return document.querySelector('dialog.sure').open")

    def page(self):
        """All that the page could keep a key in."""
        return self.b.run("""return document.documentElement.outerHTML + location.href + document.title + document.cookie + JSON.stringify([{...localStorage},
          {...sessionStorage}, history.state, [...document.querySelectorAll('input, select')].map((e) => e.value)])""")

    def open(self, hash_="#/keys", ready=".keys tbody tr"):
        self.b.open(f"{self.url}/dashboard/?{mock.secrets.token_hex(4)}{hash_}")
        return self.b.until(lambda: self.seen(ready))

    # What a user does.
    def without_token(self):
        self.check("keys: without a token it says that one is needed", self.open(ready=".gate button") and "admin token" in self.b.text(".gate"), self.b.text(".gate"))
        self.check("keys: and nothing can be done", not self.seen(".keys .fields") and not self.seen(".keys table"))
        for token in ("a-reader", mock.TOKEN):
            self.b.click(".gate button")
            self.b.type("#ask-token", token)
            self.b.press("enter")
            self.b.until(lambda: not self.b.run("return document.querySelector('dialog[open]')"))
            if token != mock.TOKEN:
                self.check("keys: another token than the admin's does not help", self.b.until(lambda: self.seen(".gate button")) and not self.seen(".keys table"))
        self.check("keys: with it they are listed", self.b.until(lambda: len(self.row("ci")) > 0) and not self.seen(".gate"))

    def looks(self):
        names = self.b.run("return [...document.querySelectorAll('.keys tbody .main')].map((e) => e.textContent)")
        self.check("keys: all are in the table, by name", names == ["ci", "docs-bot", "review-agent", "trial"], names)
        self.check("keys: with the id", self.cell("ci", "Id") == self.keys["ci"]["id"], self.cell("ci", "Id"))
        self.check("keys: with the time that is left", "in 50 d" in self.cell("ci", "Expires") or "in 49 d" in self.cell("ci", "Expires"), self.cell("ci", "Expires"))
        self.check("keys: with class, share and limits", [self.cell("review-agent", x) for x in ("Class", "Share", "Requests/min", "Places in line")]
                   == ["High", "2", "none", "20"], self.row("review-agent", "td"))
        self.check("keys: one that never expires says so", self.cell("review-agent", "Expires") == "never", self.cell("review-agent", "Expires"))
        self.check("keys: one that has expired is marked with word and sign", "✕ expired" in self.cell("trial", "Expires"), self.cell("trial", "Expires"))
        self.check("keys: the figures of its client stand beside it", self.b.until(lambda: self.cell("ci", "Requests").startswith("8,0")) and self.cell("ci", "Waiting").isdigit(),
                   self.row("ci", "td"))
        self.check("keys: one that never asked has none", self.cell("trial", "Requests") == "–", self.cell("trial", "Requests"))
        self.check("keys: one of the settings file is marked, and has no buttons", self.cell("docs-bot", "From") == "settings file" and not self.row("docs-bot", "button"),
                   self.row("docs-bot"))
        self.check("keys: a made one has two", len(self.row("ci", "button")) == 2, self.row("ci", "button"))

    def makes(self):
        b, before = self.b, len(self.keys)
        for field, value, says in (("name", "", "63"), ("name", "docs-bot", "of this name"), ("name", "10.0.0.7", "address"), ("name", "::1", "address"),
                                   ("name", "..", "dots"), ("name", "é" * 32, "63"), ("weight", "0", "From 1"), ("weight", "1.5", "whole"), ("queue_max", "x", "number"),
                                   ("requests_per_min", "10001", "10,000")):
            self.fill(".keys .fields", **({"name": "fine", "weight": "1", "queue_max": "0", "requests_per_min": "0"} | {field: value}))
            b.click(".keys form .primary")
            self.check(f"keys: {field} may not be {value!r}", says in self.wrong(".keys .fields"), self.wrong(".keys .fields"))
        self.check("keys: and none of it was sent", len(self.keys) == before and not self.seen(".told"), list(self.keys))
        self.fill(".keys .fields", name=ODD, expires_in_s="2592000", priority="low", weight="5", requests_per_min="60", queue_max="3")
        b.run("document.querySelector('.keys .key-name input').focus()")
        b.press("enter")
        self.check("keys: a new one is told", b.until(lambda: self.seen(".told")), self.wrong(".keys form"))
        made = self.keys.get(ODD, {})
        self.check("keys: it is as it was asked for", [made.get(k) for k in ("priority", "weight", "requests_per_min", "queue_max")] == ["low", 5, 60, 3]
                   and abs(made["expires_at"] - made["made_at"] - 2592000) < 5, made)
        self.check("keys: an odd name is text", ODD in b.text(".told h2") and self.row(ODD) and not b.run("return document.querySelector('.keys img') || window.hacked"))

    def told(self):
        b, key = self.b, self.b.text(".told .secret")
        self.check("keys: the key stands in the box", key.startswith("sk-sluice-") and len(key) > 40, key)
        self.check("keys: with the word that it is told only now", "only now" in b.text(".told"), b.text(".told"))
        lines = b.run("return document.querySelectorAll('.told .secret')[1].textContent")
        self.check("keys: and the two lines that a client needs", lines == f"OPENAI_BASE_URL={self.url}/v1\nOPENAI_API_KEY={key}", lines)
        self.check("keys: the box has the focus, the form is away", b.run("return document.activeElement.matches('.told')") and not self.seen(".keys .fields"))
        self.check("keys: the table shows it without the key", key not in "".join(self.row(ODD)) and self.page().count(key) == 2, self.page().count(key))
        b.devtools("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
        for i, want in enumerate((key, lines)):
            b.run("navigator.clipboard.writeText('')")
            b.run("document.querySelectorAll('.told-line button')[arguments[0]].click()", i)
            copied = b.until(lambda: b.run("return navigator.clipboard.readText()"), 5)
            self.check(f"keys: button {i + 1} copies", copied == want, copied)
        b.run("navigator.clipboard.writeText('')")
        b.run("Object.defineProperty(navigator.clipboard, 'writeText', {value: undefined})")
        b.click(".told-line button")
        self.check("keys: without a clipboard of the page's, too", b.until(lambda: b.run("return navigator.clipboard.readText()"), 5) == key)
        length = b.run("return history.length")
        b.click(".told .primary")
        self.check("keys: closed, the box is gone", b.until(lambda: not self.seen(".told")))
        self.check("keys: and the key nowhere in the page, its address or what it keeps", key[10:] not in self.page())
        self.check("keys: nor in the tab's history", b.run("return history.length") == length)
        self.check("keys: nor in the memory of its script", key[10:] not in b.heap_text())
        self.check("keys: the empty form is back, with the focus", b.run("return document.activeElement.matches('.key-name input') && document.activeElement.value === ''"))
        self.fill(".keys .fields", name="new-key")
        b.click(".keys form .primary")
        b.until(lambda: self.seen(".told"))
        second = b.text(".told .secret")
        self.fits("with a new key")
        b.run("location.hash = '#/clients'")
        b.until(lambda: b.run("return document.querySelector('.shell').dataset.view") == "clients")
        b.run("location.hash = '#/keys'")
        self.check("keys: who leaves the view has closed the box", b.until(lambda: self.seen(".keys .fields")) and second[10:] not in self.page() and second.startswith("sk-"))

    def refusals(self):
        b = self.b
        self.keys["elsewhere"] = mock.key("elsewhere", 1.79e9)
        self.fill(".keys .fields", name="elsewhere", queue_max="4096")
        b.click(".keys form .primary")
        said = lambda: b.text(".keys .row-end .form-error")
        self.check("keys: the server's word stands in the form, at the field", b.until(lambda: "already" in said())
                   and b.run("return document.querySelector('.key-name input').ariaInvalid === 'true'"), said())
        self.fill(".keys .fields", name="elsewhere-2")
        b.click(".keys form .primary")
        self.check("keys: of a number as well", b.until(lambda: "queue_max: must be a whole number from 0 to 500" in said())
                   and b.run("return document.activeElement.matches('.key-queue_max input')"), said())
        self.check("keys: refused, none is made nor told", "elsewhere-2" not in self.keys and not self.seen(".told"))

    def changes(self):
        kept, ends = self.keys, self.keys["ci"]["expires_at"]
        self.press("ci", "Change")
        self.check("keys: a row is changed in its place", self.row("ci", "input, select") != [] and self.b.run("return document.activeElement.closest('tr') !== null"))
        self.fill(".keys td", weight="0")
        self.press("ci", "Save")
        self.check("keys: what may not be is told there", "From 1" in self.wrong(".keys td"), self.wrong(".keys td"))
        self.fits("with a row that is changed")
        self.b.press("escape")
        self.check("keys: Escape leaves it as it was", self.b.until(lambda: not self.row("ci", "input")) and kept["ci"]["weight"] == 3, kept["ci"])
        self.check("keys: the focus is in its row", self.b.run(f"return ({ROW}).contains(document.activeElement)", "ci"))
        self.press("ci", "Change")
        self.fill(".keys td", weight="7", requests_per_min="12", priority="high")
        kept["ci"]["queue_max"] = 9
        self.b.run("document.querySelector('.keys td .key-weight input').focus()")
        self.b.press("enter")
        self.check("keys: Enter saves", self.b.until(lambda: self.cell("ci", "Share") == "7") and [kept["ci"][k] for k in ("priority", "weight", "requests_per_min")] == ["high", 7, 12],
                   kept["ci"])
        self.check("keys: the row says so, and the expiry is what it was", self.cell("ci", "Requests/min") == "12/min" and kept["ci"]["expires_at"] == ends, self.row("ci", "td"))
        self.check("keys: what another has set meanwhile stays", kept["ci"]["queue_max"] == 9 and self.cell("ci", "Places in line") == "9", kept["ci"])
        for value, says in (("", "never"), ("604800", "in ")):
            self.press("trial", "Change")
            self.fill(".keys td", expires_in_s=value)
            self.press("trial", "Save")
            self.check(f"keys: an expiry is changed to {says}", self.b.until(lambda: says in (self.cell("trial", "Expires") or "") and not self.row("trial", "select")),
                       self.cell("trial", "Expires"))
        self.press("trial", "Change")
        self.fill(".keys td", weight="2")
        del kept["trial"]
        self.press("trial", "Save")
        self.check("keys: one that is gone meanwhile leaves, and why is told", self.b.until(lambda: not self.row("trial")) and "no key trial" in self.wrong(".keys section"),
                   self.wrong(".keys section"))

    def revokes(self):
        b = self.b
        for how in ("cancel", "escape", "revoke"):
            b.run("document.querySelector('.table-frame').focus()")
            self.press(ODD, "Revoke")
            b.until(self.asking)
            said = b.text("dialog.sure")
            self.check(f"keys: before it revokes it says what it does ({how})", f"{ODD} gets 401 at once; its requests under way end as they would" in said and ODD in self.keys, said)
            if how == "escape":
                b.press("escape")
            else:
                b.click(f"dialog.sure button{'.primary' if how == 'cancel' else '.danger'}")
            b.until(lambda: not self.asking())
            if how != "revoke":
                self.check(f"keys: {how} leaves it", ODD in self.keys and self.row(ODD))
        self.check("keys: confirmed, it is gone", b.until(lambda: not self.row(ODD)) and ODD not in self.keys, list(self.keys))
        self.check("keys: that is said, and the focus stays near", "revoked" in b.text(".notices") and b.run("return document.activeElement.matches('.keys .table-frame')"))
        self.check("keys: and no other is", {"ci", "docs-bot", "review-agent"} <= set(self.keys), list(self.keys))

    def loses_token(self):
        right, mock.TOKEN = mock.TOKEN, "another"
        self.press("ci", "Revoke")
        self.b.until(self.asking)
        self.b.click("dialog.sure .danger")
        self.check("keys: a token that no longer counts is asked for anew", self.b.until(lambda: self.seen("#ask-token")))
        self.b.press("escape")
        self.check("keys: without another the keys are shut away", self.b.until(lambda: self.seen(".gate button")) and not self.seen(".keys table") and "ci" in self.keys)
        mock.TOKEN = right

    def nothing(self):
        kept = dict(self.keys)
        self.keys.clear()
        self.open(ready=".keys .empty")
        self.check("keys: where there are none it says what they are for", "tells a client apart" in self.b.text(".keys .empty") and "anonymous" in self.b.text(".keys .empty"))
        self.keys.update(kept)

    def in_chinese(self):
        self.open()
        language = "const e = document.querySelector('.tools select'); e.value = arguments[0]; e.dispatchEvent(new Event('change'))"
        self.b.run(language, "zh")
        self.b.until(lambda: self.row("ci"))
        for what, do in (("the list", lambda: None), ("what is wrong", lambda: self.b.click(".keys form .primary")), ("a row", lambda: self.press("ci", "更改")),
                         ("the question", lambda: self.press("review-agent", "吊销")), ("a new key", lambda: (self.fill(".keys .fields", name="new-key-2"),
                                                                                                    self.b.press("escape"), self.b.click(".keys form .primary"),
                                                                                                    self.b.until(lambda: self.seen(".told"))))):
            do()
            english = self.b.run(ENGLISH, sorted(self.keys, reverse=True))
            self.check(f"keys: {what} has Chinese words alone", not english, english)
        self.b.run(language, "en")
        self.b.until(lambda: self.row("ci"))

    def fits(self, how):
        for scheme, width in (("light", 1280), ("dark", 1280), ("dark", 360)):
            self.b.scheme(scheme)
            self.b.size(width, 800)
            self.b.until(lambda: self.b.run("return document.documentElement.scrollWidth") <= width, 5)
            wide = self.b.run("return document.documentElement.scrollWidth")
            self.check(f"keys: {how} it fits {width} px", wide <= width, wide)
            found = self.serious()
            self.check(f"keys: {how} axe-core finds nothing serious, {scheme}, {width} px", not found, found)
        self.b.scheme("light")
        self.b.size(1280, 800)


def visit(b, check, serious):
    """check(what, holds, have) counts; serious() is what axe-core finds on the page."""
    v = Visit(b, check, serious)
    try:
        for part in (v.without_token, v.looks, v.makes, v.told, v.refusals, v.changes, v.revokes, v.loses_token, v.nothing, v.in_chinese):
            part()
    finally:
        v.end()
