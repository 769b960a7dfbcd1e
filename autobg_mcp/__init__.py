"""Autobg for agents and for Python: the API's endpoints as typed tools, throttled, never paid twice.

    async with Client(Settings.load()) as client:
        templates = await client.call(ListTemplates())

Every error that a call raises is an `AutobgError`; its kinds stand in `autobg_mcp.errors`.
"""

__version__ = "0.1.0"

from autobg_mcp.client import Client
from autobg_mcp.context import Call
from autobg_mcp.endpoints.account import GetUserCreditDetails, GetUserUsage
from autobg_mcp.endpoints.downloads import DownloadProcessedImages
from autobg_mcp.endpoints.images import GetImagesBase64, GetImagesRaw, GetImageStatus
from autobg_mcp.endpoints.library import ListLibraryTemplates
from autobg_mcp.endpoints.plates import ReplaceNumPlate, ReplaceNumPlateS3
from autobg_mcp.endpoints.quality import ReportImages, SendImagesForQA
from autobg_mcp.endpoints.templates import CreateTemplate, ListTemplates
from autobg_mcp.endpoints.uploads import (
    UploadImagesWithDynamicBranding,
    UploadImagesWithLibraryTemplate,
    UploadImagesWithoutTemplate,
    UploadImagesWithTemplate,
    UploadS3UrlsWithDynamicBranding,
    UploadS3UrlsWithoutTemplate,
    UploadS3UrlsWithTemplate,
)
from autobg_mcp.errors import AutobgError
from autobg_mcp.settings import Settings
from autobg_mcp.tools import TOOLS
from autobg_mcp.workflows.batches import ListBatches
from autobg_mcp.workflows.credits import GetCreditSummary
from autobg_mcp.workflows.reports import ReportManyImages
from autobg_mcp.workflows.review import ReviewBatch
from autobg_mcp.workflows.wait import WaitForBatch

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
