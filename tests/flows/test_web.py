"""What the servers of this machine answer, and what they do not."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gan_augment_flows import web


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/report.html").write_text("<p>found</p>")
    (tmp_path / "reports/outcomes.parquet").write_text("secret")
    return TestClient(web.report(), base_url="http://127.0.0.1:4201")


def test_the_report_is_served_and_nothing_else(report: TestClient) -> None:
    assert report.get("/").text == "<p>found</p>"
    answer = report.get("/report.html")
    assert answer.text == "<p>found</p>"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in answer.headers
    for path in ("/outcomes.parquet", "/reports/", "/..%2freports/outcomes.parquet"):
        assert report.get(path).status_code == 404
    assert report.post("/report.html").status_code == 405


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
def test_who_asks_for_another_host_is_not_answered(report: TestClient, host: str) -> None:
    assert report.get("/report.html", headers={"Host": host}).status_code == 400


def test_links_out_of_the_reports_are_not_followed(report: TestClient, tmp_path: Path) -> None:
    file = tmp_path / "reports/report.html"
    file.unlink()
    assert report.get("/report.html").status_code == 404
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/report.html").write_text("secret")
    file.symlink_to(tmp_path / "elsewhere/report.html")
    answer = report.get("/report.html")
    assert (answer.status_code, "secret" in answer.text) == (404, False)
    assert "is a link to elsewhere" in answer.text
    for rest in list((tmp_path / "reports").iterdir()):
        rest.unlink()
    (tmp_path / "reports").rmdir()
    (tmp_path / "reports").symlink_to(tmp_path / "elsewhere")
    assert report.get("/report.html").status_code == 404
