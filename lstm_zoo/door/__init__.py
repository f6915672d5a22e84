"""The verbs in Python: what the shell does, a script or a notebook does in as few words.

`options` are the keywords, `asking` reads them with the parser of the command, `verbs` has a
function a command, and `answers` what they give.
"""

from lstm_zoo.door.answers import Answer, Picture, Results, Run
from lstm_zoo.door.verbs import (
    audit,
    compare,
    doctor,
    evaluate,
    explain,
    export,
    gate,
    generate,
    list_,
    list_runs,
    longest_lag,
    predict,
    report,
    reproduce,
    show,
    train,
    tune,
)

__all__ = [
    "Answer",
    "Picture",
    "Results",
    "Run",
    "audit",
    "compare",
    "doctor",
    "evaluate",
    "explain",
    "export",
    "gate",
    "generate",
    "list_",
    "list_runs",
    "longest_lag",
    "predict",
    "report",
    "reproduce",
    "show",
    "train",
    "tune",
]
