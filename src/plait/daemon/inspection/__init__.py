"""``plait inspect``: what a running program does right now, asked from outside.

In reading order: `snapshot` (what is told, in slices), `serving` (the socket at which a daemon tells it), `asking` (the other
end, in the process of the command), `tables` (how it looks as text), `screen` (and on a terminal, live), `command`.
"""
