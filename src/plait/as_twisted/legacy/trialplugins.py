"""What `twisted.plugins.twisted_trial` is: the plugins that say which reporter a name on trial's command line means."""

from __future__ import annotations

from plait.as_twisted.legacy.plugin import IPlugin
from plait.interfaces import implementer
from plait.testing.runner.interfaces import IReporter

__all__ = ["BlackAndWhite", "Classic", "Minimal", "Subunit", "Timing", "Tree"]


@implementer(IPlugin, IReporter)
class ReporterPlugin:
    """Says which reporter a name on the command line means."""

    def __init__(
        self, name: str, module: str, description: str, longOpt: str, shortOpt: str | None, klass: str
    ) -> None:
        self.name = name
        self.module = module
        self.description = description
        self.longOpt = longOpt
        self.shortOpt = shortOpt
        self.klass = klass


def _plugin(name: str, description: str, longOpt: str, shortOpt: str | None, klass: str) -> ReporterPlugin:
    return ReporterPlugin(name, "twisted.trial.reporter", description, longOpt, shortOpt, klass)


Tree = _plugin("Tree Reporter", "the tree of tests, in colours (the default)", "verbose", "v", "TreeReporter")
BlackAndWhite = _plugin(
    "Black-And-White Reporter", "a line for each test, without colours", "bwverbose", "o", "VerboseTextReporter"
)
Minimal = _plugin("Minimal Reporter", "one line of numbers", "summary", "s", "MinimalReporter")
Classic = _plugin("Classic Reporter", "a character for each test", "text", "t", "TextReporter")
Timing = _plugin("Timing Reporter", "a line for each test, with its time", "timing", None, "TimingTextReporter")
Subunit = _plugin("Subunit Reporter", "a subunit stream", "subunit", None, "SubunitReporter")
