"""Everything the sandbox decides, each with its mark and its ground."""

from typing import Literal, NamedTuple


class Behaviour(NamedTuple):
    """One decision of the sandbox; `ground` says where it comes from, `api-N` being a page of the API's documents."""

    what: str
    mark: Literal["documented", "inferred", "assumed"]
    ground: str


BEHAVIOURS: tuple[Behaviour, ...] = (
    Behaviour("The bare key stands in Authorization; a key with `Bearer ` is refused", "documented", "api-5522148"),
    Behaviour("A missing or unknown key gets 401", "documented", "declared on most pages"),
    Behaviour("A 401 carries `You are not Authorized`", "inferred", "the text is shown for HTTP 200 on api-5522148"),
    Behaviour("Paths, methods and field names, but for those below", "documented", "each page"),
    Behaviour("Path and body of the S3 upload with dynamic branding", "inferred", "naming of its three siblings"),
    Behaviour("Body of downloadImages-v2: `picIDs` or `batchID`", "inferred", "api-6681325 and api-5522148"),
    Behaviour("Fields of the upload with a library backdrop", "assumed", "as the upload with a template"),
    Behaviour("Dynamic branding takes any further file, or address, as the logo", "assumed", "field names undocumented"),
    Behaviour("Other unknown fields, fields given twice and bodies where none belongs are refused", "assumed", "strict"),
    Behaviour("Every refusal is HTTP 200 with `status: false` and a message", "inferred", "exception on api-5522148"),
    Behaviour("Texts of refusals, save `You are not Authorized`", "assumed", "undocumented"),
    Behaviour("Failures on order: codes, words and pages of refusals, save the 401", "assumed", "undocumented"),
    Behaviour("A body that cannot be read gets 400, one above 64 MB gets 413", "assumed", "undocumented"),
    Behaviour("An unknown path gets 404, a wrong method 405, with `status: false`", "assumed", "undocumented"),
    Behaviour("A limit of 10 or 100 calls that a page names is kept", "documented", "each page, as its exchange is marked"),
    Behaviour("Where the page names none: 10 if the call starts work, else 100", "inferred", "pattern of the documented ones"),
    Behaviour("A limit counts per user and path, before anything else is checked", "inferred", "`per user`, each page its own"),
    Behaviour("Limits count by a sliding log of accepted requests", "assumed", "undocumented"),
    Behaviour("A request above the limit gets 429, with Retry-After", "assumed", "undocumented"),
    Behaviour("One upload may carry several `cc`", "assumed", "undocumented; the pages speak of one image"),
    Behaviour("Uploads with one numberPlate share a batch", "inferred", "api-5521795"),
    Behaviour("A batch is joined while in work or younger than a day", "assumed", "undocumented"),
    Behaviour("batchID begins at 1206, picID at 512251, templateID at 136", "assumed", "examples of the pages"),
    Behaviour("A file that is no picture gets an entry with `error: true` inside `status: true`", "inferred", "fields on api-5522128"),
    Behaviour("An address that is not http, https or s3 gets the same entry", "assumed", "undocumented"),
    Behaviour("Addresses are never fetched; a car drawn from the address stands in", "assumed", "a sandbox has no network"),
    Behaviour("A picture costs one credit, charged at upload", "assumed", "undocumented; balance is a number of images"),
    Behaviour("Without enough credits the whole upload is refused", "assumed", "undocumented"),
    Behaviour("Reports and QA cost nothing", "documented", "api-33479705, api-6681325"),
    Behaviour("Everything that takes no photos is free", "inferred", "credits are images"),
    Behaviour("processType is `ai` or `collab`; both take the same time", "assumed", "values documented, time not"),
    Behaviour("Pictures come out one after another, the last after the turnaround", "assumed", "undocumented"),
    Behaviour("A file whose name begins with `fail` fails, and can be redone", "assumed", "so that failures can be seen"),
    Behaviour("A status with neither flag means in work", "inferred", "api-5522148"),
    Behaviour("At most 10 picIDs in a report, reasons from the list of six", "documented", "api-33479705"),
    Behaviour("Reported and QA pictures go back to work and come out marked as redone", "inferred", "api-33479705"),
    Behaviour("While a picture is redone, a status shows it in work", "assumed", "undocumented; that only its bytes change is an option"),
    Behaviour("A refusal about a picture names it", "assumed", "undocumented; that it does not is an option"),
    Behaviour("Pictures in work cannot be reported or sent to QA", "assumed", "undocumented"),
    Behaviour("sendForQA-v2 opens a new batch; the pictures keep their ids", "assumed", "undocumented"),
    Behaviour("Fetching a picture that is not processed is refused", "assumed", "undocumented"),
    Behaviour("getImagesRaw and getImagesBase64 answer the processed picture", "documented", "api-5522567; a later navigation says raw"),
    Behaviour("getImagesRaw names the picture's own content type", "assumed", "`text/plain` is declared"),
    Behaviour("getImagesBase64 answers bare base64 as text/plain", "inferred", "api-5522624; no example"),
    Behaviour("downloadImages-v2 answers pictures in base64", "assumed", "undocumented; an option"),
    Behaviour("getUsage answers an envelope with rows and a total", "assumed", "undocumented; xlsx and csv are options"),
    Behaviour("A row of getUsage is a batch with its id, its vehicle, a day and credits", "inferred", "the usage history in the vendor's app"),
    Behaviour("getUsage takes a reportOption or both dates, empty texts counting as absent", "documented", "api-18584947"),
    Behaviour("total_credits are the credits at the start", "inferred", "the name"),
    Behaviour("numPlateProcessor 1 covers the plate, 2 replaces it", "documented", "api-15677403, api-15902046"),
    Behaviour("numPlateProcessor 0 leaves the plate alone", "inferred", "example of api-5522128"),
    Behaviour("numPlateProcessor 2 needs a plate picture; uploads without template ignore it", "inferred", "api-15677403"),
    Behaviour("No template gives a transparent PNG, everything else a JPEG", "inferred", "`Transparent Images` in the vendor's app"),
    Behaviour("bAlignment `TR` puts the logo top right, all else top left", "inferred", "values seen in a caller's code"),
    Behaviour("The photos that ship with the package, known by how they look, are cut out, and their plates covered where they are", "assumed", "so that results look like results"),
    Behaviour("One of them, `03-front-right`, keeps a piece of wall and loses a mirror until it is redone", "assumed", "so that a bad result can be found"),
    Behaviour("Any other photo is laid into the result as a print, with words that a sandbox cannot cut out cars or find plates", "assumed", "it recognises nothing"),
    Behaviour("A template with numPlate covers plates, or replaces them if it has a plate picture", "inferred", "the names"),
    Behaviour("`side` is used for files named so, `frontRear` for names with front or rear", "assumed", "undocumented choice"),
    Behaviour("Template names need not differ", "assumed", "undocumented"),
    Behaviour("The library has three backdrops, listed as own templates are, each with a link that holds for 15 minutes", "assumed", "undocumented"),
)  # fmt: skip
