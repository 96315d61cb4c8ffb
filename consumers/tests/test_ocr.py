# SPDX-License-Identifier: MIT
"""The OCR handler on real documents, made at the start of the run."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from handler_case import HandlerCase

SOURCE_ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = sys.argv.pop(1)
DOCUMENTS = None


def setUpModule():
    global DOCUMENTS
    directory = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(directory.cleanup)
    DOCUMENTS = pathlib.Path(directory.name)
    subprocess.run([sys.executable, SOURCE_ROOT / "tests/documents/make_documents.py", DOCUMENTS],
                   check=True)


class OcrCase(HandlerCase):
    program = PROGRAM

    def read(self, name, payload=None, **settings):
        return self.run_handler(str(DOCUMENTS / name), payload, settings)


class Reading(OcrCase):
    PAGE = "A page of text for the test.\nIt has two lines (and brackets).\n"

    def test_page_of_text_is_read(self):
        answer = self.read("page.png")
        self.check_reference(answer, "text/plain; charset=utf-8")
        self.assertEqual(answer.text(), self.PAGE)
        self.assertEqual(answer.reference["metadata"]["pages"], 1)

    def test_jpeg_is_read(self):
        self.assertEqual(self.read("page.jpg").text(), self.PAGE)

    def test_page_in_uneven_light_is_read(self):
        self.assertEqual(self.read("photo.png").text(), "Taken with a poor camera.\n")

    def test_all_pages_of_a_pdf_are_read(self):
        answer = self.read("pages.pdf", LUCIUS_OCR_DPI="150")
        self.assertEqual(answer.text(), "The first page is about apples.\n\f"
                                        "Page two shows bananas.\n\f"
                                        "The third page praises cherries.\n")
        self.assertEqual(answer.reference["metadata"]["document_pages"], 3)

    def test_page_range_chooses_pages(self):
        answer = self.read("pages.pdf", {"page_range": "3, 1"}, LUCIUS_OCR_DPI="150")
        self.assertEqual(answer.text(), "The first page is about apples.\n\f"
                                        "The third page praises cherries.\n")
        self.assertEqual(answer.reference["metadata"]["pages"], 2)

    def test_tiff_of_several_pages_is_read(self):
        answer = self.read("pages.tif", {"page_range": "2"})
        self.assertEqual(answer.text(), "Page two shows bananas.\n")

    def test_json_names_pages_sizes_and_confidence(self):
        answer = self.read("page.png", {"output_format": "JSON", "language_hint": "en-GB"})
        self.check_reference(answer, "application/json")
        result = json.loads(answer.text())
        page = result["pages"][0]
        self.assertEqual((result["text"], result["language"]), (self.PAGE, "eng"))
        self.assertEqual((page["page"], page["width"], page["height"]), (1, 1240, 1755))
        self.assertGreater(page["confidence"], 80)

    def test_blank_picture_succeeds_with_empty_text(self):
        answer = self.read("blank.png")
        self.check_reference(answer, "text/plain; charset=utf-8")
        self.assertEqual(answer.text(), "")

    def test_blank_pdf_succeeds_with_empty_text(self):
        self.assertEqual(self.read("blank.pdf", LUCIUS_OCR_DPI="100").text(), "")

    def test_scan_of_thirty_megapixels_is_read(self):
        self.assertEqual(self.read("scan.png").text(), "Thirty megapixels of paper.\n")

    def test_shipped_sample_page_is_read(self):
        answer = self.run_handler(str(SOURCE_ROOT / "share/sample/page.png"))
        self.assertIn("40 sacks of wheat flour, type 550", answer.text())

    def test_file_uri_is_decoded(self):
        answer = self.run_handler({"uri": "file://" + str(DOCUMENTS / "space%20in%20name.png")})
        self.assertEqual(answer.text(), self.PAGE)


class Refusing(OcrCase):
    def test_word_of_the_canvas_is_no_reference(self):
        self.check_final(self.run_handler("in"), "REFERENCE_INVALID",
                         "input_ref 'in' is not a reference that can be opened")

    def test_missing_path_is_final(self):
        answer = self.run_handler("/no/such/document.pdf")
        self.check_final(answer, "DOCUMENT_NOT_FOUND", "/no/such/document.pdf")

    def test_encrypted_pdf_is_named_as_such(self):
        self.check_final(self.read("encrypted.pdf"), "ENCRYPTED_PDF", "password")

    def test_cut_documents_are_broken(self):
        for name in ("cut.pdf", "cut.png", "cut.jpg"):
            self.check_final(self.read(name), "BROKEN_DOCUMENT", "broken or cut")

    def test_page_that_lost_its_content_is_not_blank(self):
        self.check_final(self.read("damaged.pdf", LUCIUS_OCR_DPI="100"), "BROKEN_DOCUMENT",
                         "Page 1")

    def test_empty_file_is_broken(self):
        self.check_final(self.read("empty.png"), "BROKEN_DOCUMENT", "has no bytes")

    def test_text_file_is_no_document(self):
        self.check_final(self.read("notes.txt"), "UNSUPPORTED_FORMAT", "PNG, JPEG, TIFF or PDF")

    def test_decompression_bomb_is_refused(self):
        self.check_final(self.read("bomb.png"), "PAGE_TOO_LARGE", "60000 x 60000")

    def test_pdf_page_like_a_field_is_refused(self):
        self.check_final(self.read("poster.pdf"), "PAGE_TOO_LARGE", "200000 x 200000")

    def test_file_list_in_the_clothes_of_a_tiff_is_not_followed(self):
        listed = DOCUMENTS / "list.tif"
        listed.write_bytes(listed.read_bytes().replace(b"other.png", b"page.png "))
        answer = self.run_handler(str(listed))
        self.check_final(answer, "BROKEN_DOCUMENT", "TIFF")

    def test_page_outside_the_document_is_named(self):
        self.check_final(self.read("pages.pdf", {"page_range": "2-5"}), "PAGE_RANGE_INVALID",
                         "asks for page 5, but the document has 3")

    def test_too_many_pages_are_refused(self):
        answer = self.read("pages.pdf", LUCIUS_OCR_MAX_PAGES="2")
        self.check_final(answer, "TOO_MANY_PAGES", "page_range")

    def test_language_that_is_not_installed_is_named(self):
        answer = self.read("page.png", {"language_hint": "eng+xx"})
        self.check_final(answer, "LANGUAGE_UNAVAILABLE", "'xx'")

    def test_language_hint_leads_to_no_path(self):
        answer = self.read("page.png", {"language_hint": "../eng"})
        self.check_final(answer, "LANGUAGE_INVALID", "../eng")

    def test_unknown_format_and_engine_are_refused(self):
        self.check_final(self.read("page.png", {"output_format": "XML"}), "PAYLOAD_INVALID", "XML")
        self.check_final(self.read("page.png", {"ocr_engine": "abbyy"}), "PAYLOAD_INVALID", "abbyy")

    def test_changed_document_does_not_match_its_checksum(self):
        reference = {"uri": str(DOCUMENTS / "page.png"), "checksum": "sha256:" + "0" * 64}
        self.check_final(self.run_handler(reference), "CHECKSUM_MISMATCH", "SHA-256")

    def test_wrong_setting_is_named(self):
        answer = self.read("page.png", LUCIUS_OCR_SECONDS="soon")
        self.check_fails(answer, 78, "MISCONFIGURED", "LUCIUS_OCR_SECONDS is 'soon'")

    def test_missing_program_is_named(self):
        answer = self.read("page.png", PATH="/nowhere")
        self.check_fails(answer, 78, "MISCONFIGURED", "install tesseract-ocr")

    def test_run_without_time_is_temporary(self):
        path = self.slow_tesseract()
        answer = self.read("page.png", LUCIUS_OCR_SECONDS="1", PATH=path)
        self.check_temporary(answer, "OCR_TIMEOUT", "LUCIUS_OCR_SECONDS")

    def slow_tesseract(self):
        """A PATH whose tesseract lists its languages, and never ends on a picture."""
        self.started = self.directory / "started"
        os.mkfifo(self.started)
        script = self.directory / "tesseract"
        script.write_text("#!/bin/sh\n[ \"$1\" = --list-langs ] && { echo eng; exit 0; }\n"
                          ": >'%s'\nexec sleep 600\n" % self.started)
        script.chmod(0o755)
        return "%s:%s" % (self.directory, os.environ["PATH"])

    def test_signal_ends_the_run_and_cleans_up(self):
        process = subprocess.Popen(
            [PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self.environment(PATH=self.slow_tesseract()))
        directive = '{"jobId":"j","stepId":"s","input_ref":"%s"}' % (DOCUMENTS / "page.png")
        process.stdin.write(directive.encode())
        process.stdin.close()
        self.started.read_bytes()
        process.send_signal(signal.SIGTERM)
        errors = process.stderr.read().decode()
        self.assertEqual((process.wait(30), process.stdout.read()), (75, b""), errors)
        process.stderr.close()
        process.stdout.close()
        self.assertIn("INTERRUPTED", errors)
        self.assertEqual(list(self.temporary.iterdir()), [])


class Places(OcrCase):
    def test_result_goes_to_the_file_that_is_asked_for(self):
        target = self.directory / "a b.txt"
        answer = self.run_handler(str(DOCUMENTS / "page.png"), output_ref=str(target))
        self.assertEqual(answer.reference["uri"], "file://%s/a%%20b.txt" % self.directory)
        self.assertEqual(target.read_text(), Reading.PAGE)

    def test_result_in_a_directory_is_named_after_job_and_step(self):
        answer = self.run_handler(str(DOCUMENTS / "page.png"), jobId="../j/1",
                                  output_ref={"uri": "file://%s" % self.results})
        self.assertEqual(answer.path(), self.results / "_._j_1.step.txt")

    def test_result_never_replaces_its_own_input(self):
        document = self.directory / "page.png"
        document.write_bytes((DOCUMENTS / "page.png").read_bytes())
        answer = self.run_handler(str(document), output_ref=str(document))
        self.assertEqual(answer.path(), self.directory / "page.png.step.txt")
        self.assertEqual(document.read_bytes()[:4], b"\x89PNG")

    def test_missing_directory_of_the_result_is_final(self):
        answer = self.run_handler(str(DOCUMENTS / "page.png"), output_ref="/no/such/place.txt")
        self.check_final(answer, "OUTPUT_NOT_WRITABLE", "/no/such/place.txt")

    def test_result_outside_the_output_root_is_refused(self):
        answer = self.run_handler(str(DOCUMENTS / "page.png"), output_ref=str(self.directory) + "/",
                                  settings={"LUCIUS_OUTPUT_ROOT": str(self.results)})
        self.check_final(answer, "OUTPUT_FORBIDDEN", "LUCIUS_OUTPUT_ROOT")
        self.assertEqual(list(self.results.iterdir()), [])

    def test_link_does_not_lead_out_of_the_input_root(self):
        root = self.directory / "root"
        root.mkdir()
        (root / "link.png").symlink_to(DOCUMENTS / "page.png")
        answer = self.run_handler(str(root / "link.png"), settings={"LUCIUS_INPUT_ROOT": str(root)})
        self.check_final(answer, "DOCUMENT_FORBIDDEN", "LUCIUS_INPUT_ROOT")

    def test_document_within_the_input_root_is_read(self):
        answer = self.read("page.png", LUCIUS_INPUT_ROOT=str(DOCUMENTS))
        self.assertEqual(answer.text(), Reading.PAGE)


class Downloading(OcrCase):
    def test_document_behind_a_redirect_is_read(self):
        page = (DOCUMENTS / "page.png").read_bytes()

        def answer(request):
            if request.path == "/old":
                return 302, {"Location": "/new.png"}, b"moved"
            return 200, {"Content-Type": "image/png"}, page
        self.assertEqual(self.run_handler(self.serve(answer) + "/old").text(), Reading.PAGE)

    def check_status(self, status):
        url = self.serve(lambda request: (status, {}, b"<html>no</html>"))
        return self.run_handler(url + "/scan.png?sig=SECRET")

    def test_url_that_answers_404_is_final(self):
        answer = self.check_status(404)
        self.check_final(answer, "DOCUMENT_NOT_FOUND", "/scan.png'")
        self.assertNotIn("SECRET", answer.errors)

    def test_url_that_may_not_be_read_is_final(self):
        self.check_final(self.check_status(403), "DOCUMENT_FORBIDDEN", "403")

    def test_server_in_trouble_is_temporary(self):
        self.check_temporary(self.check_status(503), "DOCUMENT_UNAVAILABLE", "503")

    def test_url_that_never_answers_is_temporary_and_bounded(self):
        begin = time.monotonic()
        answer = self.run_handler(self.serve_silence() + "/scan.png",
                                  settings={"LUCIUS_FETCH_SECONDS": "1"})
        self.check_temporary(answer, "DOCUMENT_UNAVAILABLE", "cannot be fetched")
        self.assertLess(time.monotonic() - begin, 20)

    def test_redirects_without_end_are_final(self):
        url = self.serve(lambda request: (302, {"Location": "/again"}, b""))
        self.check_final(self.run_handler(url), "DOCUMENT_UNREACHABLE", "redirect")

    def test_redirect_to_a_file_is_not_followed(self):
        target = "file://" + str(DOCUMENTS / "page.png")
        url = self.serve(lambda request: (302, {"Location": target}, b""))
        self.check_final(self.run_handler(url), "DOCUMENT_UNREACHABLE", "cannot be fetched")

    def test_document_over_the_size_limit_is_final(self):
        url = self.serve(lambda request: (200, {}, bytes(1024 * 1024 + 1)))
        answer = self.run_handler(url, settings={"LUCIUS_INPUT_MAX_MIB": "1"})
        self.check_final(answer, "DOCUMENT_TOO_LARGE", "LUCIUS_INPUT_MAX_MIB")

    def test_link_local_host_is_refused(self):
        answer = self.run_handler("http://169.254.169.254/latest",
                                  settings={"LUCIUS_FETCH_SECONDS": "5", "no_proxy": "*"})
        self.check_final(answer, "DOCUMENT_FORBIDDEN", "link-local")


class Directives(OcrCase):
    def test_what_is_no_directive_is_refused(self):
        self.check_final(self.run_directive([1, 2]), "DIRECTIVE_INVALID", "JSON object")
        self.check_final(self.run_directive({"jobId": "j"}), "DIRECTIVE_INVALID", "stepId")

    def test_directive_without_input_is_refused(self):
        directive = self.directive("x")
        del directive["input_ref"]
        self.check_final(self.run_directive(directive), "REFERENCE_INVALID", "no input_ref")


if __name__ == "__main__":
    unittest.main(verbosity=1)
