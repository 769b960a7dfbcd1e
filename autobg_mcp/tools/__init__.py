"""The table of contents: every tool and the module it stands in. A tool's module is loaded when the tool is first used."""

import functools
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from autobg_mcp.toolkit.endpoint import Endpoint
    from autobg_mcp.toolkit.tool import Result, Tool

    TOOLS: tuple[type[Tool[Result]], ...]
    ENDPOINTS: tuple[type[Endpoint[Result]], ...]

MODULES = {
    "createTemplate": "templates",
    "listTemplates": "templates",
    "uploadImagesWithoutTemplate": "uploads",
    "uploadImagesWithTemplate": "uploads",
    "uploadImagesWithDynamicBranding": "uploads",
    "getImageStatus": "images",
    "reportImages": "quality",
    "getImagesBase64": "images",
    "getImagesRaw": "images",
    "getUserUsage": "account",
    "getUserCreditDetails": "account",
    "replaceNumPlateS3": "plates",
    "replaceNumPlate": "plates",
    "uploadS3UrlsWithoutTemplate": "uploads",
    "uploadS3UrlsWithTemplate": "uploads",
    "uploadS3UrlsWithDynamicBranding": "uploads",
    "downloadProcessedImages": "downloads",
    "sendImagesForQA": "quality",
    "listLibraryTemplates": "library",
    "uploadImagesWithLibraryTemplate": "uploads",
    "processVehicles": "vehicles",
    "getJobs": "jobs",
    "stopJob": "jobs",
    "waitForBatch": "wait",
    "reviewBatch": "review",
    "reportManyImages": "reports",
    "listBatches": "batches",
    "getCreditSummary": "credits",
}
"""The module of each tool, in the order a model reads them: the API's endpoints as its documents have them, then our own."""


def class_name(tool: str) -> str:
    """The name of a tool's class: the tool's own with a capital."""
    return tool[0].upper() + tool[1:]


@functools.cache
def class_of(tool: str) -> "type[Tool[Result]]":
    """The class of a tool, whose module is loaded now if it was not.

    Raises:
        KeyError: There is no such tool.
    """
    module = import_module(f"{__name__}.{MODULES[tool]}")
    return cast("type[Tool[Result]]", getattr(module, class_name(tool)))


def __getattr__(name: str) -> object:
    """`TOOLS`, every tool's class, and `ENDPOINTS`, those that are one REST call; both load every tool."""
    if name == "TOOLS":
        return tuple(map(class_of, MODULES))
    if name == "ENDPOINTS":
        from autobg_mcp.toolkit.endpoint import Endpoint  # noqa: PLC0415  # the table is read without it

        return tuple(tool for tool in map(class_of, MODULES) if issubclass(tool, Endpoint))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
