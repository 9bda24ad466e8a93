"""What only programs with Twisted's names need, so that the rooms of new code stay free of it.

The chapters that stand for a module of `twisted.python` have its name. Begin with `usage` (command lines), `reflect`
(objects by name), `filepath` (on `anypath`), `components` (adapters), `deprecate` and `plugin`; `completion` belongs to
`usage`, `accounts` to `util`. Three stand for modules of `twisted.internet`: `defer` (what has no place in
`plait.deferred`), `main` (the choice of the reactor, and how a connection ends, as ready-made objects) and `reactors` (the
modules that used to choose a reactor).
"""
