"""The command ``plait run``: an application file as a process, in the foreground or as a daemon.

In reading order: `plait.daemon.cli` (the command line), `plait.daemon.runner` (what a run does, step by step),
`plait.daemon.loading` (the application file), `plait.daemon.background` (leaving the terminal),
`plait.daemon.pidfile` and `plait.daemon.keeper` (one process at a time), `plait.daemon.privileges` (giving up root's
rights), `plait.daemon.logs` (where messages go), `plait.daemon.errors` (how a start that failed is told).
"""
