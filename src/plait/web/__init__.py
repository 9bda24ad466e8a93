"""HTTP: the client of today's Plait, which fetches one page for each connection.

Chapters, in reading order: `error` (what can go wrong), `url` (taking an address apart), `outgoing` (the bytes that ask),
`response` (the bytes that answer, a core without I/O), `getter` (the protocol on one connection), `page` (a factory that
fetches a page into memory), `download` (one that fetches it into a file), and `client`, the room's public face.
It needs httptools, which comes with ``pip install plait[web]``.
"""
