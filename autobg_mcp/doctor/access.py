"""The way to the API: settings, key, address, proxy, connection, certificate, clock, and whether the key is accepted."""

import socket
from typing import Final
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
from pydantic import ValidationError

from autobg_mcp.api.unreachable import proxy_for
from autobg_mcp.doctor.asking import Heard
from autobg_mcp.doctor.finding import Finding
from autobg_mcp.errors import (
    AuthenticationError,
    AutobgError,
    ConfigurationError,
    ConnectionFailedError,
    StateError,
    ThrottledError,
)
from autobg_mcp.settings import BASE_URL, Settings
from autobg_mcp.text import amount, cleaned, local_path, quoted
from autobg_mcp.tools.account import GetUserCreditDetails

_LOOK_UP_S: Final = 8.0
_MOST_SKEW_S: Final = 60.0
_WRONG_CLOCK_S: Final = 300.0
_UNASKED: Final = "not asked, since the API was not reached"

Came = Heard | AutobgError
"""What came of the one free call."""


def settings_read(settings: Settings, sandbox: frozenset[str]) -> Finding:
    """Which settings are not at their defaults, without those that a sandbox brings."""
    named = sorted(f"AUTOBG_{name.upper()}" for name in settings.model_fields_set - sandbox)
    seen = f"set here: {', '.join(named)}" if named else "none is set here: all are at their defaults"
    return Finding("settings", "ok", f"{seen}. A host gives its own, from its configuration.")


def settings_refused(error: ConfigurationError) -> Finding:
    """That no setting can be used, since one is wrong."""
    return Finding(
        "settings", "fail", str(error), "Correct that variable, here or in the host's configuration."
    )


def key(settings: Settings, sandbox: frozenset[str]) -> Finding:
    """Whether there is a key that can be one, and only this user can read its file; a sandbox brings its own."""
    if "api_key" in sandbox:
        return Finding("key", "ok", "none is needed: the sandbox brings its own")
    try:
        settings.key()
    except ConfigurationError as error:
        said, is_open, how = str(error).partition(" Run ")
        remedy = (
            "Put the key that Autobg has issued to you into AUTOBG_API_KEY, bare, or into a file that AUTOBG_API_KEY_FILE "
            "names. Without a key: autobg-mcp doctor --sandbox."
        )
        return Finding("key", "fail", said.partition(" Set ")[0], f"Run {how}" if is_open else remedy)
    where = (
        "AUTOBG_API_KEY" if settings.api_key is not None else f"the file {local_path(settings.api_key_file)}"
    )
    return Finding("key", "ok", f"{where} holds one")


async def address(settings: Settings, sandbox: frozenset[str]) -> Finding:
    """Whether the API's address is the documented one, and its name can be looked up; a sandbox lies in this process."""
    if "base_url" in sandbox:
        return Finding("address", "ok", "the sandbox, in this process")
    parts = urlsplit(settings.base_url)
    host = cleaned(parts.hostname or "", 80)
    documented = "the documented one" if settings.base_url == BASE_URL else "not the documented one"
    seen = f"{cleaned(settings.base_url)}, {documented}"
    remedy = "Check AUTOBG_BASE_URL, and the network and name server of this machine."
    if proxy_for(settings.base_url) is not None:
        return Finding("address", "ok", f"{seen}; its name is looked up by the proxy")
    try:
        with anyio.fail_after(_LOOK_UP_S):
            await anyio.to_thread.run_sync(
                socket.getaddrinfo, parts.hostname, parts.port or parts.scheme, abandon_on_cancel=True
            )
    except (OSError, UnicodeError):
        return Finding("address", "fail", f"{seen}; the name of {host} cannot be found", remedy)
    return Finding("address", "ok", seen)


def proxy(settings: Settings, came: Came) -> Finding:
    """Which proxy the way to the API leads through, and whether that works."""
    named = proxy_for(settings.base_url)
    if named is None:
        return Finding("proxy", "ok", "none")
    parts = urlsplit(named)
    seen = f"the way leads through {parts.scheme} proxy {cleaned(parts.hostname or '', 80)}, as HTTPS_PROXY, ALL_PROXY or the system says"
    if isinstance(came, Heard):
        return Finding("proxy", "ok", seen)
    host = cleaned(urlsplit(settings.base_url).hostname or "", 80)
    return Finding("proxy", "warn", seen, f"Where no proxy is needed, put {host} into NO_PROXY.")


def connection(came: Came) -> Finding:
    """Whether the API was reached."""
    match came:
        case Heard():
            return Finding("connection", "ok", f"HTTP {came.answer.status} after {came.took_s:.1f} s")
        case ConnectionFailedError(hurdle="certificate"):
            return Finding("connection", "ok", "reached; its certificate is not trusted")
        case StateError() | ThrottledError():
            return Finding("connection", "skipped", f"not asked: {came}")
    return Finding.of("connection", came)


def certificate(settings: Settings, came: Came) -> Finding:
    """Whether the API's certificate is trusted."""
    if settings.base_url.startswith("http://"):
        return Finding("certificate", "skipped", "none is needed: the address is on this machine")
    if isinstance(came, Heard):
        return Finding("certificate", "ok", "trusted")
    if isinstance(came, ConnectionFailedError) and came.hurdle == "certificate":
        return Finding.of("certificate", came)
    return Finding("certificate", "skipped", _UNASKED)


def clock(came: Came) -> Finding:
    """Whether this machine's clock agrees with the server's, as its `Date` says."""
    if not isinstance(came, Heard):
        return Finding("clock", "skipped", _UNASKED)
    if came.answer.sent_at_s is None:
        return Finding("clock", "skipped", "the answer does not say what time it is there")
    skew_s = came.at_s - came.answer.sent_at_s
    if abs(skew_s) <= _MOST_SKEW_S:
        return Finding("clock", "ok", f"within {_MOST_SKEW_S:.0f} s of the API's")
    way = "ahead of" if skew_s > 0 else "behind"
    return Finding(
        "clock",
        "fail" if abs(skew_s) > _WRONG_CLOCK_S else "warn",
        f"{abs(skew_s):,.0f} s {way} the API's",
        "Set this machine's clock, and let it keep time by the network: certificates, daily limits and repeats go by it.",
    )


def account(came: Came) -> Finding:
    """Whether the key is accepted, and what credits are left."""
    if not isinstance(came, Heard):
        return Finding("account", "skipped", _UNASKED)
    refusal = came.refusal
    if isinstance(refusal, AuthenticationError):
        remedy = "Compare the key with the one that Autobg has issued (bare, whole, of this account), or ask Autobg for a new one."
        return Finding("account", "fail", "the API refuses the key", remedy)
    if refusal is not None:
        return Finding.of("account", refusal)
    try:
        credit = GetUserCreditDetails().result(came.data)
    except ValidationError:
        what = f"the key is accepted, but the balance is told in another form than documented ({quoted(came.answer.headers.get('content-type', ''))})"
        return Finding("account", "warn", what, "Report it with what autobg-mcp doctor --live saves.")
    total = "" if credit.total_credits is None else f" of {amount(credit.total_credits)}"
    seen = f"the key is accepted; {amount(credit.current_credits)}{total} credits are left"
    if credit.current_credits <= 0:
        return Finding("account", "warn", seen, "Get credits from Autobg: uploads are refused without.")
    return Finding("account", "ok", seen)
