"""Structured events, and where they go.

A program logs *events*, dicts with a format and the values for it; text is made only where an observer wants
text. In reading order: `plait.log._levels` (how important), `plait.log._logger` (how events are made),
`plait.log._publisher` (how they reach observers, and what happens before there are any), `plait.log._format`
(how they become text, whatever is in them), `plait.log._file` (lines in a file), `plait.log._begin` (where a
program's log goes), `plait.log.legacy` (``msg``, ``err`` and the observers of older programs),
`plait.log._capture` (for tests).
"""

from plait.log._begin import LogBeginner, LoggingFile, globalLogBeginner
from plait.log._capture import capturedLogs
from plait.log._file import FileLogObserver, textFileLogObserver
from plait.log._format import eventAsText, formatEvent, formatEventAsClassicLogText, formatTime
from plait.log._levels import InvalidLogLevelError, LogLevel
from plait.log._logger import Logger
from plait.log._publisher import ILogObserver, LogEvent, LogObserver, LogPublisher, globalLogPublisher
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
    "ILogObserver",
    "InvalidLogLevelError",
    "LogBeginner",
    "LogEvent",
    "LogLevel",
    "LogObserver",
    "LogPublisher",
    "Logger",
    "LoggingFile",
    "addObserver",
    "capturedLogs",
    "err",
    "eventAsText",
    "formatEvent",
    "formatEventAsClassicLogText",
    "formatTime",
    "globalLogBeginner",
    "globalLogPublisher",
    "msg",
    "removeObserver",
    "startLogging",
    "startLoggingWithObserver",
    "textFileLogObserver",
    "textFromEventDict",
]
