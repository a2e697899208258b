"""Make the two files of the sample company that no text editor writes: a Word document and a PDF.

Run it in this folder; the same text gives the same bytes, whenever it is run.
"""

import zipfile
from datetime import datetime
from pathlib import Path

HERE = Path(__file__).parent

SLA = (
    ("Title", "Availability and support, Enterprise"),
    ("Heading 1", "Availability"),
    (
        "Normal",
        "Larkboard guarantees Enterprise customers an availability of 99.9 percent in every calendar month. "
        "Announced maintenance does not count; it takes place on Sundays between 02:00 and 05:00 UTC.",
    ),
    (
        "Normal",
        "If the availability falls below 99.9 percent, the customer is credited 10 percent of the monthly price; "
        "below 99.0 percent it is 25 percent.",
    ),
    ("Heading 1", "Support"),
    (
        "Normal",
        "A fault that stops all work is answered within one hour, around the clock. Other faults are answered within "
        "four working hours. Questions are answered within one working day.",
    ),
    ("Normal", "The telephone number of the standby service is in the contract."),
)

DEMAND = (
    "Demand for assistants in planning software",
    "",
    "Survey of 512 buyers in Germany, France and Poland, March 2026.",
    "",
    "29 percent of the buyers want suggestions for the distribution of work.",
    "22 percent want texts to be written for them. 44 percent want neither.",
    "",
    "What buyers fear most is that their data is used to train models of others:",
    "63 percent name it. Wrong answers follow with 48 percent.",
    "",
    "Only 8 percent would pay more than EUR 5 per person and month for an assistant.",
)


def write_docx(path: Path) -> None:
    """Write the service level agreement as a Word document."""
    from docx import Document

    document = Document()
    document.core_properties.title = SLA[0][1]
    document.core_properties.created = document.core_properties.modified = datetime(2026, 3, 15)
    for style, text in SLA:
        document.add_paragraph(text, style=style)
    document.save(path)
    _without_clock(path)


def _without_clock(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 3, 15, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


def write_pdf(path: Path) -> None:
    """Write the survey as a PDF of one page, by hand: one font, one stream."""
    shown = "".join(f"({line}) Tj T*\n" for line in DEMAND)
    stream = f"BT /F1 11 Tf 15 TL 60 780 Td\n{shown}ET".encode("ascii")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Title (%s) /CreationDate (D:20260402000000Z) >>" % DEMAND[0].encode("ascii"),
    )
    written, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    written += b"".join(b"%010d 00000 n \n" % place for place in places)
    written += b"trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    path.write_bytes(written)


if __name__ == "__main__":
    write_docx(HERE / "product_docs" / "service-levels.docx")
    write_pdf(HERE / "market_trends" / "assistants-demand.pdf")
