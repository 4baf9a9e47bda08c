"""driver.py MODULE: asks what a line of its input says, with the client of MODULE.

A module has a function for each thing that its client can do: chat, stream,
tools, embeddings, upload, responses, rstream, rtools.
"""

import importlib
import logging
import sys


def in_a_line(text):
    return " ".join(str(text).split())


def ask(call, url, what):
    if call is None:
        return "-"
    try:
        return "= " + in_a_line(call(url, what))
    except Exception as e:
        return f"! {type(e).__name__}: {in_a_line(e)}"


def main():
    logging.disable(logging.CRITICAL)
    client = importlib.import_module(sys.argv[1])
    for line in sys.stdin:
        how, url, what = line.split()
        print(ask(getattr(client, how, None), url, what), flush=True)


if __name__ == "__main__":
    main()
