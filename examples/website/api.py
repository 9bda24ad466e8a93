"""Notes, in JSON, and an event for each change. ``python api.py``."""

import sys

from plait import Deferred, reactor
from plait.web.error import HTTPError
from plait.web.events import Event, lastEventID
from plait.web.json import readJSON
from plait.web.routing import App
from plait.web.site import Site

app = App()
notes = {}
changes = []
waiting = []


def tell(what, note):
    changes.append(Event(note, event=what, id=len(changes) + 1))
    woken = waiting[:]
    waiting.clear()
    for deferred in woken:
        deferred.callback(None)


@app.get("/notes")
def listNotes(request):
    return list(notes.values())


@app.post("/notes")
async def addNote(request):
    given = await readJSON(request, maxSize=10_000)
    if not isinstance(given, dict) or not isinstance(given.get("text"), str):
        raise HTTPError(422, 'a note is {"text": "..."}')
    note = {"id": len(changes) + 1, "text": given["text"]}
    notes[note["id"]] = note
    tell("added", note)
    return note, 201, {"Location": app.urlFor("getNote", request, id=note["id"])}


@app.get("/notes/<int:id>")
def getNote(request, id):
    if id not in notes:
        raise HTTPError(404, f"there is no note {id}")
    return notes[id]


@app.delete("/notes/<int:id>")
def removeNote(request, id):
    tell("removed", getNote(request, id))
    del notes[id]


@app.get("/changes")
async def watch(request):
    last = lastEventID(request)  # from a client that comes back, which gets what it has missed
    seen = int(last) if last.isdecimal() else 0
    while True:
        while seen < len(changes):
            yield changes[seen]
            seen += 1
        waiting.append(Deferred())
        await waiting[-1]


port = reactor.listenTCP(int(sys.argv[1]) if len(sys.argv) > 1 else 8080, Site(app))
print(f"http://localhost:{port.getHost().port}/", flush=True)
reactor.run()
