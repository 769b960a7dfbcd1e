"""Autobg for agents and for Python: the API's endpoints as typed tools, throttled, never paid twice.

    async with Client(Settings.load()) as client:
        templates = await client.call(ListTemplates())

Every error that a call raises is an `AutobgError`; its kinds stand in `autobg_mcp.errors`.
"""

from importlib.metadata import version

from autobg_mcp.api.call import Call
from autobg_mcp.client import Client
from autobg_mcp.errors import AutobgError
from autobg_mcp.settings import Settings
from autobg_mcp.tools import TOOLS
from autobg_mcp.tools.account import GetUserCreditDetails, GetUserUsage
from autobg_mcp.tools.batches import ListBatches
from autobg_mcp.tools.credits import GetCreditSummary
from autobg_mcp.tools.downloads import DownloadProcessedImages
from autobg_mcp.tools.images import GetImagesBase64, GetImagesRaw, GetImageStatus
from autobg_mcp.tools.library import ListLibraryTemplates
from autobg_mcp.tools.plates import ReplaceNumPlate, ReplaceNumPlateS3
from autobg_mcp.tools.quality import ReportImages, SendImagesForQA
from autobg_mcp.tools.reports import ReportManyImages
from autobg_mcp.tools.review import ReviewBatch
from autobg_mcp.tools.templates import CreateTemplate, ListTemplates
from autobg_mcp.tools.uploads import (
    UploadImagesWithDynamicBranding,
    UploadImagesWithLibraryTemplate,
    UploadImagesWithoutTemplate,
    UploadImagesWithTemplate,
    UploadS3UrlsWithDynamicBranding,
    UploadS3UrlsWithoutTemplate,
    UploadS3UrlsWithTemplate,
)
from autobg_mcp.tools.wait import WaitForBatch

__version__ = version("autobg-mcp")

__all__ = [
    "TOOLS",
    "AutobgError",
    "Call",
    "Client",
    "CreateTemplate",
    "DownloadProcessedImages",
    "GetCreditSummary",
    "GetImageStatus",
    "GetImagesBase64",
    "GetImagesRaw",
    "GetUserCreditDetails",
    "GetUserUsage",
    "ListBatches",
    "ListLibraryTemplates",
    "ListTemplates",
    "ReplaceNumPlate",
    "ReplaceNumPlateS3",
    "ReportImages",
    "ReportManyImages",
    "ReviewBatch",
    "SendImagesForQA",
    "Settings",
    "UploadImagesWithDynamicBranding",
    "UploadImagesWithLibraryTemplate",
    "UploadImagesWithTemplate",
    "UploadImagesWithoutTemplate",
    "UploadS3UrlsWithDynamicBranding",
    "UploadS3UrlsWithTemplate",
    "UploadS3UrlsWithoutTemplate",
    "WaitForBatch",
    "__version__",
]
