"""readme.py - the README's table "Why not just retry?" in both languages: its
figures are those of BENCHMARKS.md, put there by `run` and looked at by `check`."""

import os
import re

READMES = ("README.md", "README.zh-CN.md")
# How each row of BENCHMARKS.md's table begins, and what its row in a README has.
ROWS = (("nothing", r"nothing|无"), ("Portkey", r"Portkey [\d.]+"), ("nginx", r"nginx [\d.]+"), ("Sluice", r"\*\*Sluice\*\*"))


def rows_of_page(text):
    """The rows of "Who is answered?" of BENCHMARKS.md."""
    section = text.partition("### Who is answered?")[2].partition("\n#")[0]
    rows = []
    for line in section.splitlines():
        cells = [c.strip() for c in line.strip("| ").split(" | ")] if line.startswith("| ") else []
        if len(cells) >= 3 and re.fullmatch(r"\d+ of \d+", cells[1]):
            cells += [""] * (5 - len(cells))
            rows.append({"label": cells[0].strip("*"), "answered": cells[1], "upstream_429": cells[2], "after": cells[3], "memory": cells[4]})
    return rows


def with_number(cell, value):
    """The cell with the numbers in it changed, and its words as they are."""
    numbers = re.findall(r"[\d.]+", value)
    if len(re.findall(r"\d+", cell)) != len(numbers):
        return cell
    return re.sub(r"\d+", lambda _: str(round(float(numbers.pop(0)))), cell)


def updated(text, rows, versions):
    """A README with these figures; VERSIONS is "1.22"-like, by name."""
    for name, label in ROWS:
        row = next((r for r in rows if r["label"].startswith(name)), None)
        if not row:
            continue
        line = re.search(rf"^\| ({label})(.*)$", text, re.MULTILINE)
        if not line:
            raise ValueError(f"the README has no row of {name}")
        cells = line[0].split("|") # "", label, answered, 429s, after, memory, ""
        for i, key in enumerate(("answered", "upstream_429", "after", "memory"), 2):
            cells[i] = with_number(cells[i], row[key])
        if name in versions:
            cells[1] = re.sub(rf"{name} [\d.]+", f"{name} {versions[name]}", cells[1])
        text = text[:line.start()] + "|".join(cells) + text[line.end():]
    return text


def versions_of_page(text):
    """1.22 of the row "| nginx | 1.22.1 | ..."."""
    found = {}
    for name in ("Portkey", "nginx"):
        m = re.search(rf"^\| {name} \| (\d+\.\d+)", text, re.MULTILINE)
        if m:
            found[name] = m[1]
    return found


def update_all(root, page):
    """What differs from BENCHMARKS.md is changed; the names of the changed."""
    changed = []
    for name in READMES:
        path = os.path.join(root, name)
        with open(path, encoding="utf-8") as f:
            old = f.read()
        new = updated(old, rows_of_page(page), versions_of_page(page))
        if new != old:
            with open(path, "w", encoding="utf-8") as f:
                f.write(new)
            changed.append(name)
    return changed
