"""Routes: which function answers, what it is given, and what becomes of what it returns."""

from __future__ import annotations

import http.client
import json
import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait import Deferred, reactor
from plait.deferred import ensureDeferred
from plait.task import deferLater
from plait.web.error import HTTPError
from plait.web.json import readJSON
from plait.web.later import NOT_DONE_YET
from plait.web.limits import Limits
from plait.web.patterns import Tree, parsePattern
from plait.web.request import Request
from plait.web.resource import Resource
from plait.web.routing import App
from plait.web.static import File
from tests.web.serving import Answer, Serving

JSON = {"Content-Type": "application/json"}
ID = "12345678-1234-5678-1234-567812345678"


def telling(what: str) -> Any:
    """A handler that tells its name and what it was given."""

    def handler(request: Request, **values: Any) -> list[Any]:
        return [what, {name: [type(value).__name__, str(value)] for name, value in values.items()}]

    return handler


async def ask(app: Resource, path: str = "/", method: str = "GET", **options: Any) -> Answer:
    async with Serving(app) as server:
        return await server.ask(path, method, **options)


async def asked(path: str, *patterns: str) -> tuple[str, dict[str, list[str]]] | int:
    """Which of these patterns answers, and with which values; or the status."""
    app = App()
    for pattern in patterns:
        app.get(pattern)(telling(pattern))
    got = await ask(app, path)
    if got.status != 200:
        return got.status
    pattern, values = json.loads(got.body)
    return pattern, values


# -- which one


@pytest.mark.parametrize(
    ("pattern", "path", "values"),
    [
        ("/", "/", {}),
        ("/users", "/users", {}),
        ("/users/", "/users/", {}),
        ("/users/<id>", "/users/a%20b", {"id": ["str", "a b"]}),
        ("/users/<str:id>", "/users/7", {"id": ["str", "7"]}),
        ("/<a>/<b>", "/x%2Fy/z", {"a": ["str", "x/y"], "b": ["str", "z"]}),
        ("/<int:id>/x", "/-7/x", {"id": ["int", "-7"]}),
        ("/<float:x>", "/1.50", {"x": ["float", "1.5"]}),
        ("/<float:x>", "/3", {"x": ["float", "3.0"]}),
        ("/<uuid:id>", f"/{ID.upper()}", {"id": ["UUID", ID]}),
        ("/files/<path:p>", "/files/a/b%2Fc//d/", {"p": ["str", "a/b/c//d/"]}),
        ("/grüße/<wer>", "/gr%C3%BC%C3%9Fe/%E4%B8%96", {"wer": ["str", "世"]}),
        ("/a", "/a?b=/c", {}),
    ],
)
async def test_a_pattern_and_a_path_that_fits(pattern: str, path: str, values: dict[str, list[str]]) -> None:
    assert await asked(path, pattern) == (pattern, values)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/users", "/users/"),
        ("/users/", "/users"),
        ("/users/<id>", "/users/"),
        ("/users/<id>", "/users/7/"),
        ("/users/<id>", "/users/%FF"),
        ("/<int:id>", "/7a"),
        ("/<int:id>", "/%D9%A7"),
        ("/<int:id>", "/" + "9" * 5000),
        ("/<float:x>", "/nan"),
        ("/<float:x>", "/" + "9" * 400),
        ("/<uuid:id>", "/" + ID.replace("-", "")),
        ("/files/<path:p>", "/files/"),
        ("/a/b", "/a%2Fb"),
    ],
)
async def test_a_path_that_does_not_fit_is_not_there(pattern: str, path: str) -> None:
    assert await asked(path, pattern) == 404


async def test_the_narrower_pattern_answers_in_whatever_order_they_are_defined() -> None:
    patterns = ["/<path:p>", "/<a>/x", "/<float:a>/x", "/<int:a>/x", "/<uuid:a>/x", "/me/x", "/me/<b>"]
    for path, expected in [
        ("/me/x", "/me/x"),
        ("/me/y", "/me/<b>"),
        (f"/{ID}/x", "/<uuid:a>/x"),
        ("/7/x", "/<int:a>/x"),
        ("/7.5/x", "/<float:a>/x"),
        ("/you/x", "/<a>/x"),
        ("/7/y", "/<path:p>"),
    ]:
        for order in (patterns, patterns[::-1]):
            found = await asked(path, *order)
            assert not isinstance(found, int) and found[0] == expected


def test_as_many_places_are_looked_at_whether_there_are_few_routes_or_many() -> None:
    class Counting(dict[bytes, Any]):
        looks = 0

        def get(self, key: bytes, default: Any = None) -> Any:
            Counting.looks += 1
            return super().get(key, default)

        def __iter__(self) -> Any:
            raise AssertionError("all of the routes were gone through")

    def looks(count: int) -> int:
        tree: Tree[int] = Tree()
        for number in range(count):
            tree.at(parsePattern(f"/a{number}/b"))[b"GET"] = number
        tree._text = Counting(tree._text)
        Counting.looks = 0
        assert [found for found, _ in tree.matches([b"a%d" % (count - 1), b"b"])] == [{b"GET": count - 1}]
        return Counting.looks

    assert looks(1) == looks(5000) == 1


text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(lambda t: t not in (".", ".."))
plain = st.text("abc1.-", max_size=3)
VALUES = {
    "str": text,
    "int": st.integers(),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "uuid": st.uuids(),
    "path": st.lists(text, min_size=1, max_size=3).map("/".join).filter(lambda p: not {".", ".."} & set(p.split("/"))),
}


@st.composite
def patterns(draw: st.DrawFn) -> str:
    segments = draw(
        st.lists(plain | st.sampled_from(["<str:%s>", "<int:%s>", "<float:%s>", "<uuid:%s>"]), min_size=1, max_size=4)
    )
    if draw(st.booleans()):
        segments.append("<path:%s>")
    return "".join("/" + (part % f"p{number}" if "%" in part else part) for number, part in enumerate(segments))


def split(path: str) -> list[bytes]:
    return [unquote_to_bytes(part) for part in path[1:].split("/")]


@given(patterns(), st.data())
def test_what_a_url_is_filled_with_is_found_in_it(pattern: str, data: st.DataObject) -> None:
    app = App()
    app.get(pattern, name="it")(telling("it"))
    kinds = re.findall(r"<(\w+):(\w+)>", pattern)
    values = {name: data.draw(VALUES[kind], label=name) for kind, name in kinds}
    url = app.urlFor("it", **values)
    assert url.isascii() and url.isprintable() and " " not in url
    [(found, got)] = app._tree.matches(split(url))
    assert list(got) == list(values.values()) and found[b"GET"].pattern.text == pattern


def fits(pattern: str, path: list[bytes]) -> bool:
    """The plain way: a regular expression for each segment."""
    parts = pattern[1:].split("/")
    if parts[-1].startswith("<path:") and len(path) >= len(parts):
        path = [*path[: len(parts) - 1], b"/".join(path[len(parts) - 1 :])]
    kinds = {
        "str": rb"[^\xff]+",
        "int": rb"-?[0-9]+",
        "float": rb"-?[0-9]+(\.[0-9]+)?",
        "uuid": rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "path": rb"[^\xff]+",
    }
    return len(parts) == len(path) and all(
        re.fullmatch(kinds[part[1:].split(":")[0]] if part.startswith("<") else re.escape(part.encode()), segment)
        for part, segment in zip(parts, path, strict=True)
    )


segment = st.sampled_from([b"", b"a", b"b", b"7", b"-1.5", ID.encode(), b"\xff", b"x/y"]) | plain.map(str.encode)


@given(st.lists(patterns(), max_size=8, unique=True), st.lists(segment, min_size=1, max_size=5))
def test_the_tree_finds_what_going_through_all_of_them_finds(many: list[str], path: list[bytes]) -> None:
    tree: Tree[str] = Tree()
    for pattern in many:
        tree.at(parsePattern(pattern))[pattern.encode()] = pattern
    found = [name for entries, _ in tree.matches(path) for name in entries.values()]
    assert sorted(found) == sorted(pattern for pattern in many if fits(pattern, path))


# -- methods


def shop() -> App:
    app = App()
    app.get("/things")(telling("list"))
    app.post("/things")(telling("add"))
    app.route("/things/<int:id>", methods=("PUT", "patch"))(telling("change"))
    app.delete("/things/<id>")(telling("remove"))
    app.route("/things/<int:id>", methods=["HEAD"], name="head")(telling("head"))
    app.route("/odd", methods=["OPTIONS", "PURGE"])(telling("odd"))
    return app


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/things", "add"),
        ("PUT", "/things/7", "change"),
        ("PATCH", "/things/7", "change"),
        ("DELETE", "/things/7", "remove"),
        ("PURGE", "/odd", "odd"),
        ("OPTIONS", "/odd", "odd"),
    ],
)
async def test_the_method_chooses(method: str, path: str, expected: str) -> None:
    assert json.loads((await ask(shop(), path, method)).body)[0] == expected


async def test_a_method_that_the_path_does_not_take() -> None:
    got = await ask(shop(), "/things/7", "POST")
    assert (got.status, got.headers["allow"]) == (405, "DELETE, HEAD, OPTIONS, PATCH, PUT")
    assert json.loads(got.body) == {"error": "this path takes DELETE, HEAD, OPTIONS, PATCH, PUT"}
    got = await ask(shop(), "/things", "PUT")
    assert (got.status, got.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")


async def test_options_are_told() -> None:
    got = await ask(shop(), "/things", "OPTIONS")
    assert (got.status, got.headers["allow"], got.body) == (204, "GET, HEAD, OPTIONS, POST", b"")
    assert (await ask(shop(), "/nothing", "OPTIONS")).status == 404


async def test_head_is_answered_as_get() -> None:
    async with Serving(shop()) as server:
        [head, get] = await server.talk(("HEAD", "/things", None, {}), ("GET", "/things", None, {}))
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(get.body)))
    assert head.headers["content-type"] == "application/json"


async def test_head_goes_to_the_narrowest_that_answers_get() -> None:
    app = App()
    app.get("/me")(lambda request: (None, 202))
    app.get("/<name>")(lambda request, name: (None, 203))
    app.post("/<int:id>")(lambda request, id: (None, 205))
    async with Serving(app) as server:
        assert (await server.ask("/me", "HEAD")).status == 202
        assert (await server.ask("/7", "HEAD")).status == 203


async def test_no_route() -> None:
    got = await ask(shop(), "/nothing")
    assert (got.status, got.headers["content-type"]) == (404, "application/json")
    assert got.body == b'{"error":"there is nothing at this path"}'


# -- in the tree of resources


async def test_an_app_below_a_path_and_with_children_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text("the page")
    app = App()
    app.get("/users/<int:id>", name="user")(lambda request, id: app.urlFor("user", request, id=id))
    app.get("/", name="index")(lambda request: "index")
    app.putChild(b"files", File(str(tmp_path)))
    root = Resource()
    root.putChild(b"a b", app)
    async with Serving(root) as server:
        assert (await server.ask("/a%20b/users/7")).body == b"/a%20b/users/7"
        assert (await server.ask("/a%20b")).body == (await server.ask("/a%20b/")).body == b"index"
        assert (await server.ask("/a%20b/files/page.txt")).body == b"the page"
        assert (await server.ask("/users/7")).status == 404


async def test_another_resource_answers(tmp_path: Path) -> None:
    class Leaf(Resource):
        isLeaf = True

        async def render_GET(self, request: Request) -> bytes:
            return b"|".join([b"/".join(request.prepath), b"/".join(request.postpath)])

    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "page.txt").write_text("the page")
    app = App()
    app.get("/files/<path:rest>")(lambda request, rest: File(str(tmp_path)))
    app.get("/leaf/<path:rest>")(lambda request, rest: Leaf())

    @app.route("/one/<id>", ("GET", "POST"))
    async def one(request: Request, id: str) -> Resource:
        return Leaf()

    async with Serving(app) as server:
        assert (await server.ask("/files/sub/page.txt")).body == b"the page"
        assert (await server.ask("/files/none")).status == 404
        assert (await server.ask("/leaf/a/b")).body == b"leaf|a/b"
        assert (await server.ask("/one/a")).body == b"one/a|"
        assert (await server.ask("/one/a", "POST")).status == 405


# -- what is returned


async def write(request: Request) -> None:
    request.write(b"written")


def finish(request: Request) -> int:
    request.write(b"finished")
    request.finish()
    return NOT_DONE_YET


def create(request: Request) -> None:
    request.setResponseCode(201)


def page(request: Request) -> str:
    request.setHeader("content-type", "text/html; charset=utf-8")
    return "<p>ä"


@pytest.mark.parametrize(
    ("handler", "status", "kind", "body"),
    [
        (lambda request: {"a": [1, None, "ä"]}, 200, "application/json", '{"a":[1,null,"ä"]}'.encode()),
        (lambda request: [], 200, "application/json", b"[]"),
        (lambda request: ["\ud800"], 200, "application/json", b'["\\ud800"]'),
        (lambda request: "ä", 200, "text/plain; charset=utf-8", "ä".encode()),
        (page, 200, "text/html; charset=utf-8", "<p>ä".encode()),
        (lambda request: b"\xff", 200, "application/octet-stream", b"\xff"),
        (lambda request: bytearray(b"x"), 200, "application/octet-stream", b"x"),
        (lambda request: None, 204, None, b""),
        (create, 201, "text/html", b""),
        (write, 200, "text/html", b"written"),
        (finish, 200, "text/html", b"finished"),
        (lambda request: ({"id": 7}, 201), 201, "application/json", b'{"id":7}'),
        (lambda request: (b"<svg/>", 200, {"Content-Type": "image/svg+xml"}), 200, "image/svg+xml", b"<svg/>"),
        (lambda request: (None, 202, {}), 202, "text/html", b""),
        (lambda request: deferLater(reactor, 0, lambda: {"late": 1}), 200, "application/json", b'{"late":1}'),
    ],
)
async def test_what_is_returned(handler: Any, status: int, kind: str | None, body: bytes) -> None:
    app = App()
    app.get("/")(handler)
    got = await ask(app)
    assert (got.status, got.headers.get("content-type"), got.body) == (status, kind, body)


async def test_headers_of_a_tuple() -> None:
    app = App()
    app.get("/")(lambda request: ([], 201, {"Location": "/things/7"}))
    assert (await ask(app)).headers["location"] == "/things/7"


async def test_a_coroutine_is_cancelled_when_the_client_goes() -> None:
    app = App()
    begun: Deferred[None] = Deferred()
    over: Deferred[str] = Deferred()

    @app.get("/")
    async def wait(request: Request) -> None:
        begun.callback(None)
        try:
            await Deferred()
        finally:
            over.callback("over")

    async with Serving(app) as server:
        answer = ensureDeferred(server.ask())
        await begun
        for channel in list(server.site.channels):
            channel.abortConnection()
        assert await over == "over"
        with pytest.raises(Exception, match=r"[Rr]emote|reset"):
            await answer


# -- what is raised


async def test_an_error_of_the_clients_says_itself_what_to_answer() -> None:
    app = App()

    @app.get("/<int:id>")
    async def find(request: Request, id: int) -> None:
        request.setHeader("x-half", "done")
        raise HTTPError(404, f"there is no {id}")

    @app.get("/busy")
    def busy(request: Request) -> None:
        raise HTTPError(503, headers={"Retry-After": "7"})

    async with Serving(app) as server:
        got = await server.ask("/7")
        assert (got.status, got.body, got.headers["content-type"]) == (
            404,
            b'{"error":"there is no 7"}',
            "application/json",
        )
        assert "x-half" not in got.headers
        got = await server.ask("/busy")
        assert (got.status, got.body, got.headers["retry-after"]) == (503, b'{"error":"Service Unavailable"}', "7")


async def test_the_same_outside_of_an_app_is_told_as_text() -> None:
    class Busy(Resource):
        isLeaf = True

        def render_GET(self, request: Request) -> bytes:
            raise HTTPError(503, "later, please")

    got = await ask(Busy())
    assert (got.status, got.body, got.headers["content-type"]) == (503, b"later, please\n", "text/plain; charset=utf-8")


@pytest.mark.parametrize("code", [200, 399, 600, "404"])
def test_a_status_that_tells_of_no_error(code: Any) -> None:
    with pytest.raises(ValueError, match="from 400 to 599"):
        HTTPError(code)


class Secret(Exception):
    pass


def fail(request: Request) -> None:
    raise Secret("the password")


async def fail_later(request: Request) -> None:
    await deferLater(reactor, 0)
    raise Secret("the password")


@pytest.mark.parametrize("handler", [fail, fail_later])
async def test_another_error_is_logged_and_not_told(handler: Any, flushLoggedErrors: Any) -> None:
    app = App()
    app.get("/")(handler)
    async with Serving(app) as server:
        got = await server.ask()
        assert (got.status, got.body) == (500, b'{"error":"Internal Server Error"}')
        assert got.headers["content-type"] == "application/json"
        server.site.displayTracebacks = True
        got = await server.ask()
        assert got.status == 500 and b"the password" in got.body
    assert len(flushLoggedErrors(Secret)) == 2


@pytest.mark.parametrize("value", [7, True, 1.5, {1, 2}, {"a": {1}}, [float("nan")], ({}, 99), ({},), ("a", 200, 7)])
async def test_what_is_no_answer_is_an_error(value: Any, flushLoggedErrors: Any) -> None:
    app = App()
    app.get("/")(lambda request: value)
    assert (await ask(app)).status == 500
    assert len(flushLoggedErrors(TypeError, ValueError)) == 1


# -- JSON that comes in


def echo(maxSize: int = 1000, streams: bool = False) -> App:
    app = App()
    app.streamsBody = streams

    @app.post("/")
    async def answer(request: Request) -> list[Any]:
        return [await readJSON(request, maxSize)]

    return app


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    ("body", "kind", "value"),
    [
        (b'{"a": [1, 2.5, null, true]}', "application/json", {"a": [1, 2.5, None, True]}),
        ('"ä"'.encode(), "application/JSON; charset=utf-8", "ä"),
        (b"\xef\xbb\xbf[]", "application/problem+json", []),
        (b" 0\n", "application/json", 0),
    ],
)
async def test_json(body: bytes, kind: str, value: Any, streams: bool) -> None:
    got = await ask(echo(streams=streams), "/", "POST", body=body, headers={"Content-Type": kind})
    assert (got.status, json.loads(got.body)) == (200, [value])


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    ("body", "headers", "status", "why"),
    [
        (b"{]", JSON, 400, "not valid JSON: Expecting property name.* at line 1 column 2"),
        (b"", JSON, 400, "empty"),
        (b'"\xff"', JSON, 400, "not UTF-8 at byte 1"),
        (b"[" * 900, JSON, 400, "Expecting value|nested"),
        (b"[NaN]", JSON, 400, "NaN is no number"),
        (b"{}", {}, 415, "has to be JSON"),
        (b"a=1", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "has to be JSON"),
        (b"{}", JSON | {"Content-Encoding": "gzip"}, 415, "without a Content-Encoding"),
        (b" " * 1001, JSON, 413, "longer than 1000 bytes"),
    ],
)
async def test_json_that_is_none(body: bytes, headers: dict[str, str], status: int, why: str, streams: bool) -> None:
    got = await ask(echo(streams=streams), "/", "POST", body=body, headers=headers)
    message = json.loads(got.body)["error"]
    assert got.status == status and re.search(why, message) and "\n" not in message


async def test_json_that_is_nested_or_long_beyond_what_python_takes() -> None:
    for body, why in [(b"[" * 200_000, "nested too deeply"), (b"9" * 5000, "4300 digits")]:
        got = await ask(echo(1_000_000), "/", "POST", body=body, headers=JSON)
        assert got.status == 400 and why in json.loads(got.body)["error"]


@pytest.mark.parametrize("streams", [False, True])
async def test_json_of_a_length_that_is_not_told(streams: bool) -> None:
    def send(server: Serving, size: int) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("POST", "/", iter([b'"', b"x" * size, b'"']), JSON, encode_chunked=True)
        got = connection.getresponse()
        return got.status, got.read()

    async with Serving(echo(streams=streams), limits=Limits()) as server:
        assert await server.call(lambda: send(server, 3)) == (200, b'["xxx"]')
        assert (await server.call(lambda: send(server, 999)))[0] == 413


@pytest.mark.parametrize(
    "head_and_part", [b"Content-Length: 5000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n7d0\r\n" + b" " * 2000]
)
async def test_of_json_that_is_too_long_the_rest_is_not_waited_for(head_and_part: bytes) -> None:
    def send(server: Serving) -> bytes:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n" + head_and_part)
            return client.makefile("rb").readline()

    async with Serving(echo(streams=True)) as server:
        assert await server.call(lambda: send(server)) == b"HTTP/1.1 413 Content Too Large\r\n"


# -- defining


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("users", "begin with a slash"),
        ("", "begin with a slash"),
        ("/a?b=1", "only a path is matched"),
        ("/a<id>", "whole segment"),
        ("/<id", "whole segment"),
        ("/<in:id>", "kind 'in'; there are float, int, path, str, uuid"),
        ("/<:id>", "kind ''"),
        ("/<int:>", "name as Python"),
        ("/<a b>", "name as Python"),
        ("/<class>", "name as Python"),
        ("/<a>/<int:a>", "two parameters with the name a"),
        ("/<path:p>/x", "behind its path parameter"),
    ],
)
def test_a_bad_pattern(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        App().get(pattern)
    assert "\n" not in str(caught.value)


def test_a_route_that_is_there_already() -> None:
    app = App()
    app.route("/users/<int:id>", ("GET", "PUT"), name="user")(telling("a"))
    with pytest.raises(ValueError, match="PUT /users/<int:name> is there already, as /users/<int:id>"):
        app.put("/users/<int:name>")(telling("b"))
    app.put("/users/<name>")(telling("c"))


def test_a_name_that_is_there_already() -> None:
    app = App()
    app.get("/a", name="it")(telling("a"))
    with pytest.raises(ValueError, match=r"with the name it already: /a\."):
        app.get("/b", name="it")(telling("b"))


@pytest.mark.parametrize("methods", [(), "GET", ("GET POST",), (b"GET",), ("",)])
def test_bad_methods(methods: Any) -> None:
    with pytest.raises(ValueError, match=r"The (route /|methods of a route)"):
        App().route("/", methods)


def test_a_handler_that_does_not_take_the_parameters() -> None:
    def handler(request: Request, name: str) -> None: ...

    with pytest.raises(TypeError, match=r"handler cannot be called as \(request, id=\) for the route /<id>: missing"):
        App().get("/<id>")(handler)


def test_one_handler_at_several_paths_has_the_first_as_its_url() -> None:
    app = App()

    @app.get("/index")
    @app.get("/")
    def index(request: Request) -> None: ...

    assert app.urlFor("index") == "/"


def test_functions_of_one_name_have_no_url_but_by_names_of_their_own() -> None:
    app = App()
    app.get("/a")(telling("a"))
    app.get("/b", name="b")(telling("b"))
    assert app.urlFor("handler") == "/a"
    app.get("/c")(telling("c"))
    app.get("/d")(telling("d"))
    with pytest.raises(KeyError, match=r"several routes with the name handler: give them names"):
        app.urlFor("handler")
    assert app.urlFor("b") == "/b"


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({"name": "a b/ü", "id": 7}, "/users/a%20b%2F%C3%BC/7"),
        ({"name": "%2F?", "id": -7}, "/users/%252F%3F/-7"),
    ],
)
def test_a_url(values: dict[str, Any], url: str) -> None:
    app = App()
    app.get("/users/<name>/<int:id>", name="it")(telling("it"))
    assert app.urlFor("it", **values) == url


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"name": "a"}, "takes name, id, not name"),
        ({"name": "a", "id": 7, "x": 1}, "takes name, id, not name, id, x"),
        ({"name": "", "id": 7}, "'' cannot be name"),
        ({"name": "..", "id": 7}, "cannot be name"),
        ({"name": "a", "id": "7"}, "'7' cannot be id in the route /users/<name>/<int:id>: it is no int"),
        ({"name": "a", "id": True}, "True cannot be id"),
        ({"name": "\ud800", "id": 7}, "cannot be name"),
    ],
)
def test_values_that_make_no_url(values: dict[str, Any], why: str) -> None:
    app = App()
    app.get("/users/<name>/<int:id>", name="it")(telling("it"))
    with pytest.raises(ValueError, match=why):
        app.urlFor("it", **values)


def test_urls_of_other_kinds() -> None:
    app = App()
    app.get("/u/<uuid:id>", name="u")(telling("u"))
    app.get("/f/<float:x>", name="f")(telling("f"))
    app.get("/p/<path:rest>", name="p")(telling("p"))
    assert app.urlFor("u", id=UUID(ID)) == f"/u/{ID}"
    assert app.urlFor("f", x=1e-7) == "/f/0.0000001"
    assert app.urlFor("p", rest="a b/c") == "/p/a%20b/c"
    with pytest.raises(ValueError, match="cannot be x"):
        app.urlFor("f", x=float("inf"))
    with pytest.raises(KeyError, match="no route with the name q"):
        app.urlFor("q")
