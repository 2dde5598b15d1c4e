from tests.sources.text.reading import instant, one, read

from tocsin.records.event import Logsource


def test_vsftpd_and_clamav():
    ftp = one("daemon_log", 'Sun Mar  1 03:14:07 2026 [pid 2] [bob] FAIL LOGIN: Client "203.0.113.5"')
    assert (ftp.user, ftp.fields["action"], ftp.time) == ("bob", "failed", instant("2026-03-01T03:14:07Z"))
    assert Logsource("linux", None, "vsftpd") in ftp.logsources
    found = one("daemon_log", "Sun Mar  1 03:14:07 2026 -> /srv/x.exe: Win.Trojan.Agent-1 FOUND")
    assert found.fields["Signature"] == "Win.Trojan.Agent-1"
    assert read("daemon_log", "--------------------------------------\nx")[1] == [
        "It is no line of vsftpd or ClamAV: no date stands at its start."
    ]
