"""How much of Twisted Plait is, by the judgement of Twisted's own tests: `python -m conformance` (or `make conformance`).

Chapters, in reading order:

`modules`     which test modules there are, by area, and how many tests of each pass on Twisted (`modules.toml`)
`wheel`       where those modules come from: Twisted's wheel, unpacked aside and never on the import path
`child`       one module's tests in this process, with every other name of Twisted's resolved by Plait's alias
`run`         each module in such a process of its own, under a time limit, several at a time
`record`      what is known to pass, and why the rest does not (`record.json`); what has changed against it
`report`      what the terminal shows
`page`        docs/conformance.md, written from the record

Nothing of Twisted's is copied into this repository. docs/conformance.md says what the figures mean.
"""
