"""What is installed beside the package: what reads HEIC photos and XLSX sheets."""

from importlib import import_module

from autobg_mcp.doctor.finding import Finding
from autobg_mcp.doctor.photo_folders import Holdings
from autobg_mcp.installation import adding
from autobg_mcp.text import counted


def heic(held: list[Holdings]) -> Finding:
    """Whether HEIC photos, as iPhones take them, can be read."""
    found = sum(one.pictures["HEIC"] for one in held)
    return _extra("heic", "pillow_heif", found, "HEIC photo")


def xlsx(held: list[Holdings]) -> Finding:
    """Whether XLSX sheets of vehicles and of the API's usage can be read."""
    return _extra("xlsx", "python_calamine", sum(one.sheets for one in held), "XLSX sheet")


def _extra(extra: str, module: str, found: int, noun: str) -> Finding:
    """Whether an extra is installed and starts; `found` is how many files in the image folders need it."""
    check = f"{extra.upper()} extra"
    try:
        import_module(module)
    except ImportError as error:
        why = (
            "not installed" if isinstance(error, ModuleNotFoundError) else "installed, but it does not start"
        )
        need = f"{counted(found, noun)} in the image folders {'needs' if found == 1 else 'need'} it"
        seen = f"{why}; {need if found else f'no {noun} was found that needs it'}"
        return Finding(check, "warn" if found else "ok", seen, adding(extra))
    return Finding(check, "ok", "installed")
