"""The command ``plait test``: finding tests, running them, and telling what became of them.

In reading order: `plait.testing.runner.interfaces` (what tests and reporters promise each other),
`plait.testing.runner.result` (what became of each test), `plait.testing.runner.tracebacks` and
`plait.testing.runner.terminal` (text for people), `plait.testing.runner.reporters` and `plait.testing.runner.tree` (how
it is told), `plait.testing.runner.junit` (how it is told to machines), `plait.testing.runner.wrappers` (what a reporter
may wear), `plait.testing.runner.suites` (tests together), `plait.testing.runner.finding`,
`plait.testing.runner.loading` and `plait.testing.runner.order` (from names to tests), `plait.testing.runner.folder` (where
they run), `plait.testing.runner.running` (a run, step by step), `plait.testing.runner.wire`,
`plait.testing.runner.worker` and `plait.testing.runner.jobs` (several processes), `plait.testing.runner.command` (all of
it put together) and `plait.testing.runner.cli` (the command line).
"""
