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
    (
        """CREATE TABLE pictures (
            account TEXT NOT NULL,
            batch_id TEXT NOT NULL,
            pic_id TEXT NOT NULL,
            name TEXT NOT NULL,
            processed INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            PRIMARY KEY (account, batch_id, pic_id)
        )""",
        "CREATE INDEX pictures_by_id ON pictures (account, pic_id)",
        """CREATE TABLE looks (
            account TEXT NOT NULL,
            batch_id TEXT NOT NULL,
            checked_at REAL,
            lease_until REAL NOT NULL,
            PRIMARY KEY (account, batch_id)
        ) WITHOUT ROWID""",
        """CREATE TABLE templates (
            account TEXT NOT NULL,
            template_id TEXT NOT NULL,
            name TEXT NOT NULL,
            PRIMARY KEY (account, template_id)
        ) WITHOUT ROWID""",
        """CREATE TABLE reports (
            account TEXT NOT NULL,
            pic_id TEXT NOT NULL,
            reasons TEXT NOT NULL,
            comment TEXT NOT NULL,
            at REAL NOT NULL
        )""",
        "CREATE INDEX reports_by_picture ON reports (account, pic_id, reasons)",
    ),
    (
        """CREATE TABLE balances (
            account TEXT PRIMARY KEY,
            credits_left NUMERIC NOT NULL,
            told_at REAL NOT NULL,
            newest_entry INTEGER NOT NULL
        ) WITHOUT ROWID""",
    ),
    (
        # What a batch is made of stands in one row, which a search goes through from the newest on.
        """CREATE TABLE batches (
            account TEXT NOT NULL,
            batch_id TEXT NOT NULL,
            vehicle TEXT NOT NULL,
            template TEXT,
            first_at REAL NOT NULL,
            last_at REAL NOT NULL,
            pictures INTEGER NOT NULL,
            newest_entry INTEGER NOT NULL,
            searched TEXT NOT NULL,
            PRIMARY KEY (account, batch_id)
        ) WITHOUT ROWID""",
        "CREATE INDEX batches_by_time ON batches (account, last_at, newest_entry)",
        """INSERT INTO batches
            SELECT a.account, a.batch_id, e.vehicle, e.template, a.first_at, a.last_at, a.pictures, a.newest,
                casefold(a.batch_id || char(10) || a.texts)
            FROM (
                SELECT account, batch_id, min(at) AS first_at, max(at) AS last_at, max(id) AS newest,
                    sum(max(pictures, 1 + length(file_name) - length(replace(file_name, char(10), '')))) AS pictures,
                    group_concat(DISTINCT vehicle || char(10) || tool || char(10) || coalesce(template, ''))
                        || char(10) || group_concat(file_name, char(10)) AS texts
                FROM entries WHERE state = 'accepted' AND batch_id IS NOT NULL GROUP BY account, batch_id
            ) AS a JOIN entries AS e ON e.id = a.newest""",
        "CREATE INDEX entries_by_account ON entries (account)",
        "DROP INDEX entries_by_time",
        "CREATE INDEX entries_by_time ON entries (account, at, state, pictures)",
        """CREATE TABLE digests (
            path TEXT PRIMARY KEY,
            size_bytes INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL,
            identity TEXT NOT NULL,
            digest TEXT NOT NULL
        ) WITHOUT ROWID""",
    ),
    (
        # They were of files as they lie on disk, and are of what is sent of them.
        "DELETE FROM digests",
    ),
    (
        # After each entry the first and the last balance that the API told: what lies between two is what was spent.
        "ALTER TABLE balances RENAME TO last_balances",
        """CREATE TABLE balances (
            account TEXT NOT NULL,
            newest_entry INTEGER NOT NULL,
            first_left NUMERIC NOT NULL,
            first_at REAL NOT NULL,
            last_left NUMERIC NOT NULL,
            last_at REAL NOT NULL,
            PRIMARY KEY (account, newest_entry)
        ) WITHOUT ROWID""",
        """INSERT INTO balances
            SELECT account, newest_entry, credits_left, told_at, credits_left, told_at FROM last_balances""",
        "DROP TABLE last_balances",
        # credits_before and credits_after of entries say nothing any more; to drop a column needs SQLite 3.35.
        # The newest entry when a batch was seen for the first time; NULL for one that was seen before this was kept.
        "ALTER TABLE looks ADD COLUMN seen_after INTEGER",
    ),
    (
        # Results as they were fetched, the newest with the highest rowid, and what became of a picture since a report.
        """CREATE TABLE results (
            account TEXT NOT NULL,
            pic_id TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            UNIQUE (account, pic_id, sha256)
        )""",
        "ALTER TABLE reports ADD COLUMN before_sha256 TEXT",
        "ALTER TABLE reports ADD COLUMN since_sha256 TEXT",
        "ALTER TABLE reports ADD COLUMN seen_in_work INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE reports ADD COLUMN seen_done INTEGER NOT NULL DEFAULT 0",
    ),
    ("ALTER TABLE entries ADD COLUMN process_type TEXT",),
    # The vehicle that the API names a batch after, where it told that before anybody looked at the batch.
    ("ALTER TABLE looks ADD COLUMN vehicle TEXT",),
)
"""SQL statements that lead from each schema version to the next; the version is their number."""
