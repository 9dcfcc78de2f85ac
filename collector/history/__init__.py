"""History: what was measured and concluded, in DuckDB, for the page, the API and SQL."""

from collector.history.history import History, Pace, open_history
from collector.history.types import HistoryStatus, IncidentStory, Point, QueryError, Table

__all__ = ["History", "HistoryStatus", "IncidentStory", "Pace", "Point", "QueryError", "Table", "open_history"]
