"""Calls by XML-RPC: results, an error that the server answers, and an argument that cannot be sent."""

from threading import Thread
from xmlrpc.server import SimpleXMLRPCServer

from plait.task import react
from plait.web.xmlrpc import Fault, Proxy


async def main(reactor):
    # Any server will do; this one is the standard library's, in a thread of its own.
    server = SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False)
    server.register_function(lambda *numbers: sum(numbers), "add")
    server.register_function(lambda word: {"word": word, "letters": len(word)}, "measure")
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    proxy = Proxy(b"http://127.0.0.1:%d/" % server.server_address[1])

    print(await proxy.callRemote("add", 1, 2, 3))
    print(await proxy.callRemote("measure", "bücher"))
    try:
        await proxy.callRemote("multiply", 2, 3)
    except Fault as fault:
        print("fault", fault.faultCode, fault.faultString)
    try:
        await proxy.callRemote("measure", None)
    except TypeError as error:
        print("not sent:", error)


react(main)
