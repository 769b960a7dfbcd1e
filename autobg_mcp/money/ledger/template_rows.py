"""Names of templates, by which people speak of them."""

import sqlite3
from collections.abc import Iterable, Mapping

from autobg_mcp.money.ledger.columns import words


def names(db: sqlite3.Connection, account: str, template_ids: Iterable[str]) -> dict[str, str]:
    """The names that are known, by template id."""
    found = {
        template_id: db.execute(
            "SELECT name FROM templates WHERE account = ? AND template_id = ?", (account, template_id)
        ).fetchone()
        for template_id in template_ids
    }
    return {template_id: words(row["name"]) for template_id, row in found.items() if row}


def keep(db: sqlite3.Connection, account: str, names: Mapping[str, str]) -> None:
    """Keep names; what has not changed is not written."""
    db.executemany(
        """INSERT INTO templates VALUES (?, ?, ?) ON CONFLICT (account, template_id) DO UPDATE
        SET name = excluded.name WHERE name != excluded.name""",
        [(account, template_id, name) for template_id, name in names.items()],
    )
