import gzip
import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from growthbench.base.errors import DataFormatError, NotReadyError
from growthbench.datasets.files import read_files

CONTENT = b"a,y\n1,no\n2,yes\n"


@pytest.fixture
def serve():
    """Serve some bytes at any path of a local address; gives the address."""
    served = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(served["raw"])))
            self.end_headers()
            self.wfile.write(served["raw"])

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def start(raw):
        served["raw"] = raw
        return f"http://127.0.0.1:{server.server_port}/file"

    yield start
    server.shutdown()
    thread.join()
    server.server_close()


def zipped(name):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "x")
        archive.writestr(name, CONTENT)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("how", "raw"),
    [
        ("as_is", CONTENT),
        ("zip_member", zipped("folder/rows.csv")),
        ("strip_trailing_comma", CONTENT.replace(b"\n", b",\r\n")),
    ],
)
def test_a_missing_file_is_fetched_checked_and_kept(tmp_path, serve, data_file, table_entry, how, raw):
    entry = table_entry(data_file(CONTENT, address=serve(raw), how=how, raw=raw))
    assert read_files(entry, tmp_path) == {"set/rows.csv": CONTENT}
    assert gzip.decompress((tmp_path / "set" / "rows.csv.gz").read_bytes()) == CONTENT
    serve(b"gone")
    assert read_files(entry, tmp_path) == {"set/rows.csv": CONTENT}


def test_other_bytes_than_the_pinned_ones_are_refused_and_not_kept(tmp_path, serve, data_file, table_entry):
    file = data_file(CONTENT, address=serve(b"something else"))
    with pytest.raises(NotReadyError, match=r"put rows\.csv"):
        read_files(table_entry(file), tmp_path)
    assert not any(tmp_path.iterdir())


def test_a_source_without_the_member_is_refused(tmp_path, serve, data_file, table_entry):
    raw = zipped("other.csv")
    file = data_file(CONTENT, address=serve(raw), how="zip_member", raw=raw)
    with pytest.raises(DataFormatError, match=r"not a zip file that holds rows\.csv"):
        read_files(table_entry(file), tmp_path)


def test_without_network_one_message_names_address_digest_and_place(tmp_path, data_file, table_entry):
    file = data_file(CONTENT)
    with pytest.raises(NotReadyError) as caught:
        read_files(table_entry(file), tmp_path)
    message = str(caught.value)
    assert file.source.address in message
    assert file.sha256 in message
    assert str(tmp_path / "set" / "rows.csv") in message
    assert "\n" not in message


def test_a_format_we_do_not_read_says_how_to_get_the_file(tmp_path, data_file, table_entry):
    file = data_file(CONTENT, how="by_hand", hint="an R data file: write it as CSV")
    with pytest.raises(NotReadyError, match="an R data file"):
        read_files(table_entry(file), tmp_path)
