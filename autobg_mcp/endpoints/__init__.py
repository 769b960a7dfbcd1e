"""Every endpoint of the API in the order of its documents: the table of contents."""

from autobg_mcp.endpoint import Endpoint
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
from autobg_mcp.tool import Result

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
