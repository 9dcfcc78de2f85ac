"""History: what was measured and concluded, in DuckDB, for the page, the API and SQL."""

from collector.history.history import History, Pace, open_history
from collector.history.types import Flow, HistoryStatus, IncidentStory, Point, QueryError, Retried, Table

__all__ = [
    "Flow",
    "History",
    "HistoryStatus",
    "IncidentStory",
    "Pace",
    "Point",
    "QueryError",
    "Retried",
    "Table",
    "open_history",
]
