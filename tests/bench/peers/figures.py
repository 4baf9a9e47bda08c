"""figures.py - medians, spreads and shares: plain functions of numbers, which
`check` tries."""


def median(values):
    """The middle one; of an even number the lower of the two."""
    values = sorted(values)
    return values[(len(values) - 1) // 2] if values else None


def percentile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * q))] if values else None


def spread(values):
    """Median, least, most."""
    return {"median": median(values), "min": min(values), "max": max(values)} if values else None


def added(mine, direct):
    """What was added in each round, beside the direct one of the same round."""
    return [m - d for m, d in zip(mine, direct)]


def shares(counts, weights):
    """Each one's share in percent, what it is owed by weight, and how far off
    the worst is, in points."""
    total, owed = sum(counts.values()), sum(weights.values())
    if not total:
        return None
    rows = {n: {"share": 100 * counts.get(n, 0) / total, "owed": 100 * w / owed} for n, w in weights.items()}
    return {"rows": rows, "off": max(abs(r["share"] - r["owed"]) for r in rows.values())}


def most_in_window(times_s, window_s):
    """The most of these times in any half-open window of that length."""
    times_s = sorted(times_s)
    most = first = 0
    for last, t in enumerate(times_s):
        while t - times_s[first] >= window_s:
            first += 1
        most = max(most, last - first + 1)
    return most
