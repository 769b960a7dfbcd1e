"""What the pictures of a batch prove about submissions whose outcome nobody knows.

A wrong proof loses a photo for good, a missing one only asks a person; so where anything speaks against it there is none.
"""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping

from autobg_mcp.money.identity import same_vehicle
from autobg_mcp.money.ledger import balances, entries, looks
from autobg_mcp.money.ledger.columns import api_id, words, words_or_none
from autobg_mcp.money.ledger.records import Entry

IN_ITS_VEHICLES_BATCH = "seen in the batch of its vehicle"
_MOST_SEARCHED = 200
"""The newest batches, among which those of a vehicle are looked for in every spelling of its id."""

_ENDING = re.compile(r"\.(jpe?g|png|webp|heic|heif)$", re.IGNORECASE)

IN_A_BATCH_OF_ITS_OWN = "seen in a batch that was new after it and holds nothing else"
IN_A_BATCH_OF_ITS_NAME = "seen in a batch that was new after it and that the API names after its vehicle"


def proven(db: sqlite3.Connection, account: str, batch_id: str) -> list[tuple[Entry, str]]:
    """The unknown entries that a batch proves to be accepted into it, with the ground in words."""
    unknown = entries.unknown(db, account)
    if not unknown:
        return []
    rows = db.execute("SELECT name FROM pictures WHERE account = ? AND batch_id = ?", (account, batch_id))
    seen = Counter[str](row["name"] for row in rows)
    if accepted := entries.of_batch(db, account, batch_id):
        vehicles = {same_vehicle(entry.vehicle) for entry in accepted}
        own = [entry for entry in unknown if same_vehicle(entry.vehicle) in vehicles]
        return [(entry, IN_ITS_VEHICLES_BATCH) for entry in _beside(accepted, own, seen)]
    vehicle = looks.vehicle_named(db, account, batch_id)
    opened = _opened_by(unknown, seen) if vehicle is None else _opened_for(vehicle, unknown, seen)
    if not opened or not _is_new(db, account, batch_id, opened, seen):
        return []
    charged = [balances.around(db, account, entry.id).charged_of_unknown() for entry in opened]
    if 0 in charged or (vehicle is not None and None in charged):  # usage names what other programs sent, too
        return []
    ground = IN_A_BATCH_OF_ITS_OWN if vehicle is None else IN_A_BATCH_OF_ITS_NAME
    return [(entry, ground) for entry in opened]


def _beside(accepted: list[Entry], unknown: list[Entry], seen: Counter[str]) -> Iterator[Entry]:
    """Those of a batch's vehicle whose files stand in it beside those that were accepted into it.

    Of several unknown files of one name either all are seen, or nobody can tell which: then all stay unknown.
    Whether a status names the photo or its result is undocumented, so a name counts without the ending of a picture.
    """
    left = Counter(map(_stem, seen.elements()))
    left.subtract(stem for entry in accepted for stem in _stems(entry))
    wanted = Counter(stem for entry in unknown for stem in _stems(entry))
    for entry in unknown:
        if all(left[stem] >= wanted[stem] for stem in _stems(entry)):
            yield entry


def _stems(entry: Entry) -> list[str]:
    return [_stem(name) for name in entries.names_of(entry)]


def _stem(name: str) -> str:
    return _ENDING.sub("", name)


def _opened_by(unknown: list[Entry], seen: Counter[str]) -> list[Entry]:
    """Those that a batch without accepted entries consists of, all of one vehicle and template; empty where in doubt.

    It holds as many pictures of each name as there are unknown entries of that name, whatever their vehicle.
    """
    named = [entry for entry in unknown if seen.keys() & set(entries.names_of(entry))]
    wanted = Counter(name for entry in named for name in entries.names_of(entry))
    is_one = len({(same_vehicle(entry.vehicle), entry.template) for entry in named}) == 1
    return named if is_one and wanted == seen else []


def _opened_for(vehicle: str, unknown: list[Entry], seen: Counter[str]) -> list[Entry]:
    """Those of the vehicle that a batch is named after and that stand in it; empty where it holds anything else.

    The API may have taken some links of a request and refused others, so it need not hold all of them.
    """
    own = [entry for entry in unknown if same_vehicle(entry.vehicle) == same_vehicle(vehicle)]
    wanted = Counter(stem for entry in own for stem in _stems(entry))
    strange = Counter(map(_stem, seen.elements())) - wanted
    return [] if strange else list(_beside([], own, seen))


def _is_new(
    db: sqlite3.Connection, account: str, batch_id: str, opened: list[Entry], seen: Counter[str]
) -> bool:
    """Whether a batch came to be after entries: seen first after the last of them, numbered after what was known before.

    That numbers grow is inferred; where they do not, this is False. A picture that stands in another batch, too, is a redone one.
    A submission under way of a picture of such a name may have opened the batch as well.
    """
    if looks.seen_after(db, account, batch_id) < opened[-1].id:
        return False
    stems = set(map(_stem, seen))
    if any(not stems.isdisjoint(_stems(entry)) for entry in entries.under_way(db, account)):
        return False
    known = db.execute(
        "SELECT batch_id FROM entries INDEXED BY entries_by_account WHERE account = ? AND id < ? "
        "AND state = 'accepted' AND batch_id IS NOT NULL ORDER BY id DESC LIMIT 1",
        (account, opened[0].id),
    ).fetchone()
    if known and not (known["batch_id"].isdecimal() and batch_id.isdecimal()):
        return False
    if known and int(batch_id) <= int(known["batch_id"]):
        return False
    elsewhere = db.execute(
        "SELECT 1 FROM pictures AS seen JOIN pictures AS other ON other.account = seen.account "
        "AND other.pic_id = seen.pic_id AND other.batch_id != seen.batch_id "
        "WHERE seen.account = ? AND seen.batch_id = ? LIMIT 1",
        (account, batch_id),
    )
    return elsewhere.fetchone() is None


def worth_a_look(db: sqlite3.Connection, account: str, vehicle: str, limit: int) -> list[str]:
    """The batches that may prove something about a vehicle's unknown entries; see `Ledger.worth_a_look`."""
    meant = same_vehicle(vehicle)
    doubtful = (one.id for one in entries.unknown(db, account) if same_vehicle(one.vehicle) == meant)
    oldest = next(doubtful, None)
    if oldest is None:
        return []
    values = {"account": account, "oldest": oldest, "limit": limit, "newest": _MOST_SEARCHED}
    newest = db.execute(
        "SELECT batch_id, vehicle FROM batches WHERE account = :account "
        "ORDER BY last_at DESC, newest_entry DESC LIMIT :newest",
        values,
    )
    own = [row for row in newest if same_vehicle(words(row["vehicle"])) == meant]
    strange = db.execute(
        "SELECT batch_id, vehicle FROM looks WHERE account = :account "
        "AND seen_after >= :oldest AND NOT EXISTS "
        "(SELECT 1 FROM batches WHERE account = :account AND batch_id = looks.batch_id) "
        "ORDER BY vehicle IS NULL, checked_at DESC LIMIT :newest",
        values,
    )
    maybe = [row for row in strange if same_vehicle(words_or_none(row["vehicle"]) or vehicle) == meant]
    return [api_id(row["batch_id"]) for row in (*own, *maybe)][:limit]


def name_vehicles(db: sqlite3.Connection, account: str, vehicles: Mapping[str, str]) -> None:
    """Keep which batches the API names after vehicles of unknown entries; see `Ledger.record_vehicles`."""
    doubtful = {same_vehicle(one.vehicle) for one in entries.unknown(db, account)}
    meant = {
        batch_id: folded for batch_id, name in vehicles.items() if (folded := same_vehicle(name)) in doubtful
    }
    for batch_id in sorted(meant, key=lambda number: (len(number), number))[-_MOST_SEARCHED:]:
        if not entries.of_batch(db, account, batch_id):
            looks.name_vehicle(db, account, batch_id, meant[batch_id])
