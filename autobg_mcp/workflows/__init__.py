"""Tools made of several endpoints: the jobs that people have."""

from autobg_mcp.tool import Result, Tool
from autobg_mcp.workflows.batches import ListBatches
from autobg_mcp.workflows.credits import GetCreditSummary
from autobg_mcp.workflows.reports import ReportManyImages
from autobg_mcp.workflows.review import ReviewBatch
from autobg_mcp.workflows.wait import WaitForBatch

WORKFLOWS: tuple[type[Tool[Result]], ...] = (
    WaitForBatch,
    ReviewBatch,
    ReportManyImages,
    ListBatches,
    GetCreditSummary,
)
