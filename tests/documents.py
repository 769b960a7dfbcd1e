"""Writes everything that the code decides: `python tests/documents.py`."""

import sys

from mistakes import mistakes

if __name__ == "__main__":
    if found := mistakes():
        sys.exit("\n".join(found))
    from written import WRITTEN  # loads every tool

    for path, text in WRITTEN.items():
        path.write_text(text(), "utf-8")
