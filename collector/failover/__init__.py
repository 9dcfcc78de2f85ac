"""Whether to switch, and when to go back: pure. Values in (how each member stands, who is ready, who serves), decisions
out.

Nothing here knows of observations or of detection's state: `collector.detect.switching` reads those. It also knows no
I/O: `collector.actions` carries out what is decided.
"""
