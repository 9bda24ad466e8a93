"""A page from a template: a list, a name that comes later, and text that could do harm."""

from plait.task import deferLater, react
from plait.web.template import Element, XMLString, flattenString, renderer

PAGE = """<html xmlns:t="http://twistedmatrix.com/ns/twisted.web.template/0.1">
<h1 t:render="title">Things to buy for <t:slot name="who"/></h1>
<ul>
  <li t:render="things"><a><t:attr name="href">/buy?<t:slot name="query"/></t:attr><t:slot name="label"/></a></li>
</ul>
</html>"""


class ShoppingList(Element):
    loader = XMLString(PAGE)

    def __init__(self, who, things):
        super().__init__()
        self.who = who
        self.things_to_buy = things

    @renderer
    def title(self, request, tag):
        return tag.fillSlots(who=self.who)

    @renderer
    def things(self, request, tag):
        for label, query in self.things_to_buy:
            yield tag.clone().fillSlots(label=label, query=query)


async def main(reactor):
    who = deferLater(reactor, 0.01, lambda: "Ann & Bob")
    page = ShoppingList(who, [("<b>bread</b>", "a=1&b=2"), ("tea", 'x="3"')])
    print((await flattenString(None, page)).decode())


react(main)
