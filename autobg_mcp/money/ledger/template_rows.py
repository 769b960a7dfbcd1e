"""Names of templates, by which people speak of them."""

import sqlite3
from collections.abc import Iterable, Mapping

from autobg_mcp.money.ledger.columns import api_id, words


def names(db: sqlite3.Connection, account: str, template_ids: Iterable[str]) -> dict[str, str]:
    """The names that are known, by template id."""
    found = {
        template_id: db.execute(
            "SELECT name FROM templates WHERE account = ? AND template_id = ?", (account, template_id)
        ).fetchone()
        for template_id in template_ids
    }
    return {template_id: words(row["name"]) for template_id, row in found.items() if row}


def like(db: sqlite3.Connection, account: str, text: str, limit: int) -> dict[str, str]:
    """The first names, in the order of the alphabet, that hold a text, or whose id begins with it."""
    rows = db.execute(
        """SELECT template_id, name FROM templates WHERE account = :account
            AND (instr(casefold(name), :folded) OR substr(template_id, 1, length(:text)) = :text)
        ORDER BY casefold(name), template_id LIMIT :limit""",
        {"account": account, "folded": text.casefold(), "text": text, "limit": limit},
    )
    return {api_id(row["template_id"]): words(row["name"]) for row in rows}


def keep(db: sqlite3.Connection, account: str, names: Mapping[str, str]) -> None:
    """Keep names; what has not changed is not written."""
    db.executemany(
        """INSERT INTO templates VALUES (?, ?, ?) ON CONFLICT (account, template_id) DO UPDATE
        SET name = excluded.name WHERE name != excluded.name""",
        [(account, template_id, name) for template_id, name in names.items()],
    )
