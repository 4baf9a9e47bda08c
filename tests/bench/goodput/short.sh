#!/bin/bash
# Does the limiter learn its upstreams as it should?  Twenty virtual minutes each, in
# a second or two: the rows of rows.c whose bounds hold for each seed.
exec "${SLUICE_BUILD:-build}/bench/goodput" --short
