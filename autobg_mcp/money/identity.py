"""What makes two submissions one: ids of vehicles that people write in several ways."""

import unicodedata


def same_vehicle(vehicle: str) -> str:
    """One spelling for ids that mean one vehicle: case, width, blanks and dashes do not count (`AB-123`, `ab 123`)."""
    plain = unicodedata.normalize("NFKC", vehicle).casefold()
    bare = "".join(one for one in plain if not one.isspace() and unicodedata.category(one) != "Pd")
    return bare or plain
