"""Everything the sandbox decides, each with its mark and its ground."""

from typing import Literal, NamedTuple


class Behaviour(NamedTuple):
    """One decision of the sandbox; `ground` says where it comes from."""

    what: str
    mark: Literal["documented", "inferred", "assumed"]
    ground: str


BEHAVIOURS: tuple[Behaviour, ...] = ()
