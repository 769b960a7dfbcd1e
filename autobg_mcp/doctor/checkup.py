"""All checks in order, each with what it needs: one free call to the API, and looks at this machine."""

from collections.abc import AsyncGenerator, Callable

from autobg_mcp.client import Client
from autobg_mcp.doctor import access, connected, extras, folders, kept
from autobg_mcp.doctor.asking import ask
from autobg_mcp.doctor.finding import Finding
from autobg_mcp.doctor.looking import CONNECT_IT, NO_ANSWER, look
from autobg_mcp.doctor.photo_folders import Holdings, image_folders
from autobg_mcp.errors import AutobgError, ConfigurationError
from autobg_mcp.hosts.places import Machine
from autobg_mcp.settings import Settings
from autobg_mcp.tools.account import GetUserCreditDetails


async def without_settings(error: ConfigurationError, machine: Machine) -> AsyncGenerator[Finding]:
    """What can be checked where a setting is wrong."""
    yield access.settings_refused(error)
    yield extras.heic([])
    yield extras.xlsx([])
    async for finding in connected.hosts(machine):
        yield finding


async def check_up(
    settings: Settings, client: Client, machine: Machine, sandbox: frozenset[str] = frozenset()
) -> AsyncGenerator[Finding]:
    """Every check, as it is done.

    Args:
        settings: What the operator set.
        client: A client for them; its own may name a sandbox and its folder.
        machine: Whose hosts are looked at.
        sandbox: The names of the settings that a sandbox brings; empty for the API.
    """
    yield access.settings_read(settings, sandbox)
    yield (own_key := access.key(settings, sandbox))
    async for finding in _of_folders(settings):
        yield finding
    yield await access.address(client.settings, sandbox)
    if own_key.verdict != "fail":
        async for finding in _of_account(client):
            yield finding
    async for finding in connected.hosts(machine):
        yield finding


async def _of_folders(settings: Settings) -> AsyncGenerator[Finding]:
    yield await _looked("state folder", lambda: folders.state_folder(settings))
    yield await _looked("output folder", lambda: folders.output_folder(settings))
    looked: list[tuple[Finding, Holdings]] = []

    def at_image_folders() -> Finding:
        looked.extend(image_folders(settings))
        return looked[0][0]

    yield await _looked("image folders", at_image_folders)
    for finding, _ in looked[1:]:
        yield finding
    held = [one for _, one in looked]
    yield extras.heic(held)
    yield extras.xlsx(held)


async def _looked(check: str, at_disk: Callable[[], Finding]) -> Finding:
    try:
        return await look(at_disk)
    except TimeoutError:
        return Finding(check, "fail", NO_ANSWER, CONNECT_IT)


async def _of_account(client: Client) -> AsyncGenerator[Finding]:
    """The way to the API by one free call, and what is kept for the key."""
    came: access.Came
    try:
        came = await ask(client, GetUserCreditDetails())
    except AutobgError as error:
        came = error
    yield access.proxy(client.settings, came)
    yield access.connection(came)
    yield access.certificate(client.settings, came)
    yield access.clock(came)
    yield access.account(came)
    yield await kept.limits(client)
    for finding in await kept.ledger(client):
        yield finding
    yield await kept.jobs(client)
