"""Work over time.

In reading order: `later` (calls that come later, `react`), `looping` (calls that repeat), `cooperate` (long work in small
steps), `clock` (a clock for tests).
"""

from plait.task.clock import Clock
from plait.task.cooperate import (
    CooperativeTask,
    Cooperator,
    NotPaused,
    SchedulerError,
    SchedulerStopped,
    TaskDone,
    TaskFailed,
    TaskFinished,
    TaskStopped,
    coiterate,
    cooperate,
)
from plait.task.later import deferLater, react
from plait.task.looping import LoopingCall

__all__ = [
    "Clock",
    "CooperativeTask",
    "Cooperator",
    "LoopingCall",
    "NotPaused",
    "SchedulerError",
    "SchedulerStopped",
    "TaskDone",
    "TaskFailed",
    "TaskFinished",
    "TaskStopped",
    "coiterate",
    "cooperate",
    "deferLater",
    "react",
]
