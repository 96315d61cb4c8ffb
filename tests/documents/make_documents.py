#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the documents that the OCR tests read, with nothing but poppler-utils and qpdf.

Usage: make_documents.py DIRECTORY            all test documents
       make_documents.py --sample FILE.png    the sample page of the quickstart

A PDF is written by hand, all pictures are drawn from such PDFs by pdftoppm and then changed as
bytes. The same call makes the same pictures as long as poppler and its fonts are the same.
"""
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import zlib

A4 = (595, 842)


def text_stream(lines, size, leading):
    """The drawing operators that show lines of text from the top left corner."""
    shown = " ".join("(%s) Tj T*" % line.replace("(", r"\(").replace(")", r"\)") for line in lines)
    return "BT /F1 %d Tf 60 %d Td %d TL %s ET" % (size, A4[1] - 120, leading, shown)


def pdf(pages, size=24, leading=34, media=A4):
    """A PDF of pages, each a list of lines."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"",
               b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for lines in pages:
        number = len(objects) + 1
        stream = text_stream(lines, size, leading).encode("ascii")
        kids.append(b"%d 0 R" % number)
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d]"
                       b" /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>"
                       % (media[0], media[1], number + 1))
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(pages), b" ".join(kids))
    return pdf_file(objects)


def pdf_file(objects):
    """Objects with the cross-reference table and trailer around them."""
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for offset in offsets:
        out += b"%010d 00000 n \n" % offset
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, table)
    return bytes(out)


def draw(content, dpi, kind="gray"):
    """One page drawn by pdftoppm: 'gray' gives PGM bytes, 'png', 'jpeg', 'tiff' those files."""
    arguments = ["-gray"] if kind == "gray" else ["-gray", "-" + kind]
    with tempfile.TemporaryDirectory() as directory:
        source = pathlib.Path(directory, "page.pdf")
        source.write_bytes(content)
        subprocess.run(["pdftoppm", *arguments, "-r", str(dpi), "-singlefile", source,
                        pathlib.Path(directory, "page")], check=True, stderr=subprocess.PIPE)
        drawn = [path for path in pathlib.Path(directory).iterdir() if path != source]
        return drawn[0].read_bytes()


def parse_pgm(content):
    magic, width, height, depth, pixels = content.split(maxsplit=4)
    assert magic == b"P5" and depth == b"255"
    # A pixel may look like a blank, so that only the sizes say where they begin.
    pixels = content[len(content) - int(width) * int(height):]
    return int(width), int(height), pixels


def png_chunk(kind, content):
    return (struct.pack(">I", len(content)) + kind + content +
            struct.pack(">I", zlib.crc32(kind + content)))


def png(width, height, pixels, level=6):
    rows = b"".join(b"\0" + pixels[y * width:(y + 1) * width] for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" +
            png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
            png_chunk(b"IDAT", zlib.compress(rows, level)) + png_chunk(b"IEND", b""))


def photo(content, dpi, seed):
    """The page as if taken with a poor camera: gray, uneven light, grains. As PNG."""
    width, height, pixels = parse_pgm(draw(content, dpi))
    chance = random.Random(seed)
    noisy = bytearray(len(pixels))
    for y in range(height):
        shade = 0.62 + 0.25 * y / height
        grains = chance.randbytes(width)
        row = y * width
        for x in range(width):
            value = int(pixels[row + x] * shade) + 20 + (grains[x] - 128) // 8
            noisy[row + x] = min(max(value, 0), 255)
    return png(width, height, bytes(noisy))


def tiff(pages):
    """Uncompressed gray pages, each (width, height, pixels), as one little-endian TIFF."""
    out = bytearray(b"II*\0" + struct.pack("<I", 8))
    for number, (width, height, pixels) in enumerate(pages):
        begin = len(out) + 2 + 9 * 12 + 4
        tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1),
                (273, 4, begin), (277, 3, 1), (278, 4, height), (279, 4, len(pixels))]
        out += struct.pack("<H", len(tags))
        for tag, kind, value in tags:
            out += struct.pack("<HHII", tag, kind, 1, value)
        is_last = number == len(pages) - 1
        padding = len(pixels) % 2
        out += struct.pack("<I", 0 if is_last else begin + len(pixels) + padding)
        out += pixels + b"\0" * padding
    return bytes(out)


def huge_scan():
    """A little text on a page of 5000 x 6100 pixels, 30.5 megapixels."""
    width, height, pixels = parse_pgm(draw(pdf([["Thirty megapixels of paper."]], size=30), 300))
    margin = b"\xff" * (5000 - width)
    rows = b"".join(pixels[y * width:(y + 1) * width] + margin for y in range(height))
    return png(5000, 6100, rows + b"\xff" * (5000 * (6100 - height)), level=1)


def bomb():
    """A small PNG that says it is 60000 x 60000 pixels."""
    return (b"\x89PNG\r\n\x1a\n" +
            png_chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)) +
            png_chunk(b"IDAT", zlib.compress(bytes(1000000))) + png_chunk(b"IEND", b""))


def file_list():
    """Looks like a TIFF to whoever reads four bytes, and like a list of files to tesseract."""
    entry = struct.pack("<HHII", 256, 4, 1, 10) + struct.pack("<HHII", 257, 4, 1, 10)
    return b"II*\0" + struct.pack("<I", 64) + b"\nother.png\n" + b" " * 45 + \
        struct.pack("<H", 2) + entry + struct.pack("<I", 0)


PAGES = [["The first page is about apples."], ["Page two shows bananas."],
         ["The third page praises cherries."]]


def encrypt(source, target):
    subprocess.run(["qpdf", "--encrypt", "secret", "owner", "256", "--", source, target],
                   check=True)


def make_all(directory):
    directory.mkdir(parents=True, exist_ok=True)
    letter = pdf([["A page of text for the test.", "It has two lines (and brackets)."]])
    page_png = draw(letter, 150, "png")
    contents = {
        "page.png": page_png,
        "page.jpg": draw(letter, 150, "jpeg"),
        "photo.png": photo(pdf([["Taken with a poor camera."]], size=30), 130, seed=7),
        "pages.pdf": pdf(PAGES),
        "pages.tif": tiff([parse_pgm(draw(pdf([page]), 110)) for page in PAGES[:2]]),
        "blank.png": draw(pdf([[]]), 100, "png"),
        "blank.pdf": pdf([[]]),
        "scan.png": huge_scan(),
        "bomb.png": bomb(),
        "poster.pdf": pdf([["Large"]], media=(200000, 200000)),
        "cut.png": page_png[:len(page_png) // 2],
        "cut.jpg": draw(letter, 150, "jpeg")[:9000],
        "cut.pdf": pdf(PAGES)[:500],
        "damaged.pdf": pdf(PAGES[:1]).replace(b"Tj T*", b"\xff\xfe\x01zz"),
        "list.tif": file_list(),
        "notes.txt": b"This is a text and no picture.\n",
        "empty.png": b"",
        "space in name.png": page_png,
    }
    for name, content in contents.items():
        directory.joinpath(name).write_bytes(content)
    encrypt(directory / "pages.pdf", directory / "encrypted.pdf")


SAMPLE = ["Delivery note 2041", "", "To: Harbour Street Bakery", "From: Mill on the River", "",
          "40 sacks of wheat flour, type 550", "12 sacks of rye flour, type 1150",
          "3 boxes of fresh yeast", "", "Please check the goods on arrival and",
          "report any damage within two days."]


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "--sample":
        pathlib.Path(arguments[1]).write_bytes(draw(pdf([SAMPLE], 22, 32), 100, "png"))
    elif len(arguments) == 1 and not arguments[0].startswith("-"):
        make_all(pathlib.Path(arguments[0]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
