"""What only programs with Twisted's names need, so that the rooms of new code stay free of it.

The chapters: `endings` (how a connection ends, as ready-made objects), `reactors` (the modules that used to choose a
reactor).
"""
