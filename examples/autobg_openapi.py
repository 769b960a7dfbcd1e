"""The API's endpoints as an OpenAPI description, written from its documents: what a user would feed to a generator."""

from typing import Any

TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "integer"}
FLAG: dict[str, Any] = {"type": "boolean"}
FILE: dict[str, Any] = {"type": "string", "format": "binary"}
NUMBERS: dict[str, Any] = {"type": "array", "items": NUMBER}
TEXTS: dict[str, Any] = {"type": "array", "items": TEXT}
PROCESS: dict[str, Any] = {
    "type": "string",
    "enum": ["ai", "collab"],
    "description": "collab is checked by people.",
}
REASONS: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "string",
        "enum": ["Bad clipping", "Alignment of Road", "Number plate", "Window see-through", "Logo", "Other"],
    },
}
RANGES = ("Today", "Yesterday", "Last 7 days", "Last 30 days", "This month", "Last Month")

KINDS: dict[str, dict[str, Any]] = {
    "background": FILE, "side": FILE, "frontRear": FILE, "brandLogo": FILE, "numPlateImage": FILE, "cc": FILE,
    "numPlate": FLAG, "numPlateProcessor": NUMBER | {"description": "1: cover the plate white. 2: replace it."},
    "picID": NUMBER, "picIDs": NUMBERS, "clientS3Uris": TEXTS, "processType": PROCESS, "reportReason": REASONS,
    "numberPlate": TEXT | {"description": "Id of the vehicle, equal for all its photos."},
    "reportOption": {"type": "string", "enum": list(RANGES)},
}  # fmt: skip
"""Fields that are no plain text."""

STRUCTURED: dict[str, Any] = {"application/json": {"schema": {"type": "object"}}}
TEXTUAL: dict[str, Any] = {"text/plain": {}}
PICTURES = ("getImagesBase64", "getImagesRaw")
"""Tools whose answer the documents declare as text."""

FORM, JSON, QUERY = "multipart/form-data", "application/json", ""

# tool, method, path, body, required fields, other fields, what the documents say
ENDPOINTS = (
    ("createTemplate", "post", "/templates/create", FORM, "background numPlate name", "side frontRear numberPlate brandLogo bAlignment numPlateBgHexCode", "Create a template. 100 requests a minute per user."),
    ("listTemplates", "post", "/templates/list", "", "", "", "List the templates of the account. 100 requests a minute per user."),
    ("uploadImagesWithoutTemplate", "post", "/images/uploadWithoutTemplateCC", FORM, "cc numberPlate numPlateProcessor processType", "", "Upload an image and process it without a template. 10 requests a minute per user."),
    ("uploadImagesWithTemplate", "post", "/images/uploadWithTemplateCC", FORM, "cc numberPlate templateCC processType", "", "Upload an image and process it with a template. Keep numberPlate equal for all images of a vehicle."),
    ("uploadImagesWithDynamicBranding", "post", "/images/uploadWithTemplateCCDynamicBranding", FORM, "cc numberPlate templateCC processType brandLogo", "bAlignment", "Upload an image and process it with a template and a logo of its own."),
    ("getImageStatus", "post", "/images/imagesStatus", JSON, "batchID", "", "Status of every image of a batch. 100 requests a minute per user."),
    ("reportImages", "post", "/images/reportImages", JSON, "picIDs reportReason", "reportComment", "Report up to 10 images for quality assurance, without further credits. 10 requests a minute per user."),
    ("getImagesBase64", "get", "/images/getImagesBase64", QUERY, "picID", "", "A processed image as base64."),
    ("getImagesRaw", "get", "/images/getImagesRaw", QUERY, "picID", "", "A processed image. 100 requests a minute per user."),
    ("getUserUsage", "post", "/user/getUsage", JSON, "", "reportOption startDate endDate", "Credit usage in a range: reportOption, or startDate and endDate as dd-mm-yyyy."),
    ("getUserCreditDetails", "post", "/user/getUserCreditDetails", "", "", "", "Current and total credits."),
    ("replaceNumPlateS3", "post", "/images/replaceNumPlateS3-v3", JSON, "numberPlate clientS3Uris numPlateProcessor processType", "numberPlateS3String", "Cover or replace the number plate on linked images."),
    ("replaceNumPlate", "post", "/images/replaceNumPlate-v3", FORM, "cc numberPlate numPlateProcessor processType", "numPlateImage", "Cover or replace the number plate on an image."),
    ("uploadS3UrlsWithoutTemplate", "post", "/images/uploadWithoutTemplateCC-v2", JSON, "numberPlate processType clientS3Uris", "", "Process linked images without a template."),
    ("uploadS3UrlsWithTemplate", "post", "/images/uploadWithTemplateCC-v2", JSON, "numberPlate templateCC processType clientS3Uris", "", "Process linked images with a template. 10 requests a minute per user."),
    ("uploadS3UrlsWithDynamicBranding", "post", "/images/uploadWithTemplateCCDynamicBranding-v2", JSON, "numberPlate templateCC processType clientS3Uris brandLogo", "bAlignment", "Process linked images with a template and a logo of their own."),
    ("downloadProcessedImages", "post", "/images/downloadImages-v2", JSON, "picIDs", "", "Download processed images. 100 requests a minute per user."),
    ("sendImagesForQA", "post", "/images/sendForQA-v2", JSON, "picIDs", "", "Have processed images redone by people, without further credits. 10 requests a minute per user."),
    ("listLibraryTemplates", "get", "/templates/library", QUERY, "", "", "Backdrops of the vendor's library. 100 requests a minute per user."),
)  # fmt: skip


def description(address: str) -> dict[str, Any]:
    """The API at an address, as OpenAPI 3.1 describes it."""
    paths = {path: {method: _operation(*about)} for about in ENDPOINTS for method, path in [about[1:3]]}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Autobg", "version": "1"},
        "servers": [{"url": address}],
        "paths": paths,
    }


def _operation(
    tool: str, method: str, _path: str, body: str, required: str, others: str, told: str
) -> dict[str, Any]:
    names = [*required.split(), *others.split()]
    fields = {name: _kind(tool, name) for name in names}
    operation: dict[str, Any] = {
        "operationId": tool,
        "summary": told,
        "responses": {"200": {"description": "ok", "content": TEXTUAL if tool in PICTURES else STRUCTURED}},
    }
    if method == "get":
        operation["parameters"] = [
            {"name": name, "in": "query", "required": True, "schema": schema}
            for name, schema in fields.items()
        ]
    elif body:
        schema = {"type": "object", "properties": fields, "required": required.split()}
        operation["requestBody"] = {"required": True, "content": {body: {"schema": schema}}}
    return operation


def _kind(tool: str, name: str) -> dict[str, Any]:
    """A field's schema; by link a logo is a text, and a template's number plate is a picture."""
    if tool == "createTemplate" and name == "numberPlate":
        return FILE
    if tool.startswith("uploadS3") and name == "brandLogo":
        return TEXT
    return KINDS.get(name, TEXT)
