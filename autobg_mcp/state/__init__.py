"""The one way to files that processes share: the throttle's, the ledger's, the audit's, and those of jobs and tasks."""

from autobg_mcp.state.statefile import StateFile
from autobg_mcp.state.transactions import Transaction, Transactions
from autobg_mcp.state.trust import check_file, make_folder
from autobg_mcp.state.values import ImpossibleValueError, moment, number_between, text_up_to, whole_between

__all__ = [
    "ImpossibleValueError",
    "StateFile",
    "Transaction",
    "Transactions",
    "check_file",
    "make_folder",
    "moment",
    "number_between",
    "text_up_to",
    "whole_between",
]
