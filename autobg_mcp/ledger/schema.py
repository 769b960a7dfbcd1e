"""How the tables of the ledger came to be, one step per schema version.

A step that has been released is never edited; a change is a new step at the end.
"""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE entries (
            id INTEGER PRIMARY KEY,
            account TEXT NOT NULL,
            host TEXT NOT NULL,
            tool TEXT NOT NULL,
            vehicle TEXT NOT NULL,
            template TEXT,
            file_name TEXT NOT NULL,
            pictures INTEGER NOT NULL CHECK (pictures >= 0),
            fingerprint TEXT NOT NULL,
            source TEXT,
            at REAL NOT NULL,
            window_from REAL NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('intended', 'accepted', 'refused', 'unknown')),
            sent_at REAL,
            settled_at REAL,
            batch_id TEXT,
            reason TEXT,
            credits_before INTEGER,
            credits_after INTEGER,
            owner TEXT NOT NULL,
            lease_until REAL NOT NULL
        )""",
        "CREATE INDEX entries_by_fingerprint ON entries (account, fingerprint)",
        "CREATE INDEX entries_by_time ON entries (account, at)",
        "CREATE INDEX entries_by_batch ON entries (account, batch_id)",
        "CREATE INDEX entries_under_way ON entries (lease_until) WHERE state = 'intended'",
        "CREATE INDEX entries_unknown ON entries (account) WHERE state = 'unknown'",
    ),
)
"""SQL statements that lead from each schema version to the next; the version is their number."""
