# Written by `python tests/documents.py`.

from autobg_mcp.api.call import Call as Call
from autobg_mcp.client import Client as Client
from autobg_mcp.errors import AutobgError as AutobgError
from autobg_mcp.settings import Settings as Settings
from autobg_mcp.tools import TOOLS as TOOLS
from autobg_mcp.tools.account import GetUserCreditDetails as GetUserCreditDetails
from autobg_mcp.tools.account import GetUserUsage as GetUserUsage
from autobg_mcp.tools.batches import ListBatches as ListBatches
from autobg_mcp.tools.credits import GetCreditSummary as GetCreditSummary
from autobg_mcp.tools.downloads import DownloadProcessedImages as DownloadProcessedImages
from autobg_mcp.tools.images import GetImagesBase64 as GetImagesBase64
from autobg_mcp.tools.images import GetImagesRaw as GetImagesRaw
from autobg_mcp.tools.images import GetImageStatus as GetImageStatus
from autobg_mcp.tools.jobs import GetJobs as GetJobs
from autobg_mcp.tools.jobs import StopJob as StopJob
from autobg_mcp.tools.library import ListLibraryTemplates as ListLibraryTemplates
from autobg_mcp.tools.plates import ReplaceNumPlate as ReplaceNumPlate
from autobg_mcp.tools.plates import ReplaceNumPlateS3 as ReplaceNumPlateS3
from autobg_mcp.tools.quality import ReportImages as ReportImages
from autobg_mcp.tools.quality import SendImagesForQA as SendImagesForQA
from autobg_mcp.tools.reports import ReportManyImages as ReportManyImages
from autobg_mcp.tools.review import ReviewBatch as ReviewBatch
from autobg_mcp.tools.templates import CreateTemplate as CreateTemplate
from autobg_mcp.tools.templates import ListTemplates as ListTemplates
from autobg_mcp.tools.uploads import UploadImagesWithDynamicBranding as UploadImagesWithDynamicBranding
from autobg_mcp.tools.uploads import UploadImagesWithLibraryTemplate as UploadImagesWithLibraryTemplate
from autobg_mcp.tools.uploads import UploadImagesWithoutTemplate as UploadImagesWithoutTemplate
from autobg_mcp.tools.uploads import UploadImagesWithTemplate as UploadImagesWithTemplate
from autobg_mcp.tools.uploads import UploadS3UrlsWithDynamicBranding as UploadS3UrlsWithDynamicBranding
from autobg_mcp.tools.uploads import UploadS3UrlsWithoutTemplate as UploadS3UrlsWithoutTemplate
from autobg_mcp.tools.uploads import UploadS3UrlsWithTemplate as UploadS3UrlsWithTemplate
from autobg_mcp.tools.vehicles import ProcessVehicles as ProcessVehicles
from autobg_mcp.tools.wait import WaitForBatch as WaitForBatch

__version__: str
