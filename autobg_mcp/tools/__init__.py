"""Every tool, the API's endpoints in the order of its documents first: the table of contents."""

from autobg_mcp.toolkit.endpoint import Endpoint
from autobg_mcp.toolkit.tool import Result, Tool
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

ENDPOINTS: tuple[type[Endpoint[Result]], ...] = (
    CreateTemplate,
    ListTemplates,
    UploadImagesWithoutTemplate,
    UploadImagesWithTemplate,
    UploadImagesWithDynamicBranding,
    GetImageStatus,
    ReportImages,
    GetImagesBase64,
    GetImagesRaw,
    GetUserUsage,
    GetUserCreditDetails,
    ReplaceNumPlateS3,
    ReplaceNumPlate,
    UploadS3UrlsWithoutTemplate,
    UploadS3UrlsWithTemplate,
    UploadS3UrlsWithDynamicBranding,
    DownloadProcessedImages,
    SendImagesForQA,
    ListLibraryTemplates,
    UploadImagesWithLibraryTemplate,
)

WORKFLOWS: tuple[type[Tool[Result]], ...] = (
    WaitForBatch,
    ReviewBatch,
    ReportManyImages,
    ListBatches,
    GetCreditSummary,
)

TOOLS: tuple[type[Tool[Result]], ...] = (*ENDPOINTS, *WORKFLOWS)
