"""Plait measured against its peers, side by side on one machine: `python -m benchmarks` (or `make bench`).

Chapters, in reading order:

`samples`     what one measurement is, and the rounds in which all peers take turns
`network`     servers of each peer under the load of `load.c`: echo, TLS, pipelined lines, connections, datagrams
`deferreds`   Deferreds, coroutines and timers, each in a fresh process that runs `deferred_cases.py`
`standing`    what is there before any work is done: the time of the import, the memory of idle connections
`report`      the table, the targets, the JSON file
`servers/`    one small server for each peer, as its users would write it

Figures of two runs do not compare; ratios within one run do. docs/performance.md says how to read them.
"""
