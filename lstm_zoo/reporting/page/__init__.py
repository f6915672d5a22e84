"""The report: what runs and comparisons left on disk, as a page to look at or as Markdown.

`material` reads the files, `parts` decides what is shown of them, the files named after a subject
draw its charts, and `render` writes the page. Nothing here trains or imports Keras.
"""

from lstm_zoo.reporting.page.parts import comparison, report
from lstm_zoo.reporting.page.render import html, markdown

__all__ = ["comparison", "html", "markdown", "report"]
