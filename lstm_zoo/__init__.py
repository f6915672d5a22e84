"""lstm-zoo: recurrent networks, trained and compared from the shell, a script or a notebook.

`import lstm_zoo as zoo` is light; `zoo.compare(["lstm", "gru"], "digits")` and the other verbs are
imported when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Picture",
    "Results",
    "Run",
    "ZooError",
    "audit",
    "compare",
    "doctor",
    "evaluate",
    "explain",
    "export",
    "gate",
    "generate",
    "list",
    "list_runs",
    "longest_lag",
    "predict",
    "report",
    "reproduce",
    "show",
    "train",
    "tune",
]

if TYPE_CHECKING:
    from lstm_zoo.door import (
        Answer,
        Picture,
        Results,
        Run,
        audit,
        compare,
        doctor,
        evaluate,
        explain,
        export,
        gate,
        generate,
        list_runs,
        longest_lag,
        predict,
        report,
        reproduce,
        show,
        train,
        tune,
    )
    from lstm_zoo.door import list_ as list
    from lstm_zoo.errors import ZooError
else:

    def __getattr__(name):
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        home = import_module("lstm_zoo.errors" if name == "ZooError" else "lstm_zoo.door")
        return getattr(home, "list_" if name == "list" else name)

    def __dir__():
        return sorted({*globals(), *__all__})
