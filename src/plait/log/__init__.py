"""Structured events, and where they go.

A program logs *events*, dicts with a format and the values for it; text is made only where an observer wants
text. In reading order: `plait.log._levels` (how important), `plait.log._logger` (how events are made),
`plait.log._context` (values that are part of all events of a context), `plait.log._publisher` (how they reach observers,
and what happens before there are any), `plait.log._format` (how they become text, whatever is in them),
`plait.log._file` (lines in a file), `plait.log._losses` (what could not be written), `plait.log._descriptor`,
`plait.log._logfile` and `plait.log._rotation` (log files that are put aside), `plait.log._stream` (a reader that is slow),
`plait.log._terminal` (in colour),
`plait.log._flatten` and `plait.log._json` (JSON),
`plait.log._journal` (systemd's),
`plait.log._filter` (which events an observer sees), `plait.log._buffer` (the last ones, kept), `plait.log._stdlib` (the
standard library's `logging`, in and out), `plait.log._begin` (where a program's log goes), `plait.log.legacy` (``msg``,
``err`` and the observers of older programs), `plait.log._capture` (for tests).
"""

from plait.log._begin import LogBeginner, LoggingFile, globalLogBeginner
from plait.log._buffer import LimitedHistoryLogObserver
from plait.log._capture import capturedLogs
from plait.log._context import logContext
from plait.log._file import FileLogObserver, textFileLogObserver
from plait.log._filter import (
    FilteringLogObserver,
    ILogFilterPredicate,
    LogLevelFilterPredicate,
    PredicateResult,
    parseLevels,
)
from plait.log._flatten import extractField, flattenEvent
from plait.log._format import (
    eventAsText,
    formatEvent,
    formatEventAsClassicLogText,
    formatTime,
    formatWithCall,
    timeFormatRFC3339,
)
from plait.log._journal import JournalLogObserver, journalLogObserver, leadsToJournal
from plait.log._json import (
    eventAsJSON,
    eventFromJSON,
    eventsFromJSONLogFile,
    jsonFileLogObserver,
    jsonLinesLogObserver,
)
from plait.log._levels import InvalidLogLevelError, LogLevel
from plait.log._logfile import LogFile
from plait.log._logger import Logger, Operation
from plait.log._publisher import (
    ILogObserver,
    LogEvent,
    LogObserver,
    LogPublisher,
    bitbucketLogObserver,
    globalLogPublisher,
)
from plait.log._rotation import Rotation
from plait.log._stdlib import StdlibHandler, STDLibLogObserver, capturedStdlibLogging, captureStdlibLogging
from plait.log._stream import LogStream
from plait.log._terminal import terminalLogObserver
from plait.log.legacy import (
    addObserver,
    err,
    msg,
    removeObserver,
    startLogging,
    startLoggingWithObserver,
    textFromEventDict,
)

__all__ = [
    "FileLogObserver",
    "FilteringLogObserver",
    "ILogFilterPredicate",
    "ILogObserver",
    "InvalidLogLevelError",
    "JournalLogObserver",
    "LimitedHistoryLogObserver",
    "LogBeginner",
    "LogEvent",
    "LogFile",
    "LogLevel",
    "LogLevelFilterPredicate",
    "LogObserver",
    "LogPublisher",
    "LogStream",
    "Logger",
    "LoggingFile",
    "Operation",
    "PredicateResult",
    "Rotation",
    "STDLibLogObserver",
    "StdlibHandler",
    "addObserver",
    "bitbucketLogObserver",
    "captureStdlibLogging",
    "capturedLogs",
    "capturedStdlibLogging",
    "err",
    "eventAsJSON",
    "eventAsText",
    "eventFromJSON",
    "eventsFromJSONLogFile",
    "extractField",
    "flattenEvent",
    "formatEvent",
    "formatEventAsClassicLogText",
    "formatTime",
    "formatWithCall",
    "globalLogBeginner",
    "globalLogPublisher",
    "journalLogObserver",
    "jsonFileLogObserver",
    "jsonLinesLogObserver",
    "leadsToJournal",
    "logContext",
    "msg",
    "parseLevels",
    "removeObserver",
    "startLogging",
    "startLoggingWithObserver",
    "terminalLogObserver",
    "textFileLogObserver",
    "textFromEventDict",
    "timeFormatRFC3339",
]
