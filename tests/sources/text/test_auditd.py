from tests.sources.text.reading import chosen, instant, one, read

from tocsin.records.event import Logsource

EVENT = """\
type=SYSCALL msg=audit(1772334847.123:456): arch=c000003e syscall=59 success=yes exit=0 a0=55d a1=55e items=2 ppid=10 pid=11 auid=1000 uid=33 euid=33 tty=(none) comm="sh" exe="/usr/bin/dash" key="exec"\x1dARCH=x86_64 SYSCALL=execve AUID="bob" UID="www-data"
type=EXECVE msg=audit(1772334847.123:456): argc=3 a0="sh" a1="-c" a2=77676574206874747020
type=CWD msg=audit(1772334847.123:456): cwd="/tmp"
type=PATH msg=audit(1772334847.123:456): item=0 name="x.sh" inode=1 nametype=CREATE
type=PROCTITLE msg=audit(1772334847.123:456): proctitle=7368002D63
"""


def test_an_event_of_several_records():
    assert chosen(EVENT) == "auditd"
    (call, start, _, path, title), reasons = read("auditd", EVENT)
    assert not reasons
    assert (call.fields["SYSCALL"], call.fields["comm"], call.user) == ("execve", "sh", "bob")
    assert call.time == instant("2026-03-01T03:14:07.123Z")
    wanted = {
        "type": "EXECVE",
        "a0": "sh",
        "a2": "wget http ",
        "Image": "/usr/bin/dash",
        "CommandLine": "sh -c wget http ",
        "User": "www-data",
        "ParentProcessId": "10",
        "serial": "456",
    }
    assert wanted.items() <= start.fields.items()
    assert start.logsources == {
        Logsource("linux", None, "auditd"),
        Logsource("linux", "process_creation", None),
    }
    assert (path.fields["TargetFilename"], path.fields["name"]) == ("/tmp/x.sh", "x.sh")
    assert Logsource("linux", "file_event", None) in path.logsources
    assert title.fields["proctitle"] == "sh -c"


def test_the_next_event_does_not_inherit():
    line = 'type=EXECVE msg=audit(1772334847.124:457): argc=1 a0="/bin/ls"'
    drafts, _ = read("auditd", EVENT + line)
    assert drafts[-1].fields["Image"] == "/bin/ls"
    assert "User" not in drafts[-1].fields


def test_raw_system_calls_get_their_name():
    socket = 'type=SYSCALL msg=audit(1772334847.123:1): arch=c000003e syscall=41 a0=26 a1=5 exe="/tmp/x"'
    fields = one("auditd", socket).fields
    assert (fields["SYSCALL"], fields["syscall"], fields["a0"]) == ("socket", "41", "26")
    assert "SYSCALL" not in one("auditd", "type=SYSCALL msg=audit(1.0:1): arch=ffff syscall=41").fields


def test_user_records_show_the_inner_message():
    line = 'node=db1 type=USER_LOGIN msg=audit(1772334847.123:457): pid=1 uid=0 msg=\'op=login acct="root" exe="/usr/sbin/sshd" addr=203.0.113.5 res=failed\''
    draft = one("auditd", line)
    assert {
        "acct": "root",
        "addr": "203.0.113.5",
        "res": "failed",
        "exe": "/usr/sbin/sshd",
    }.items() <= draft.fields.items()
    assert (draft.host, draft.user, draft.ocsf_class) == ("db1", "root", 3002)


def test_interpreted_records():
    line = "type=EXECVE msg=audit(03/01/2026 03:14:07.123:456) : argc=3 a0=sh a1=-c a2=wget http://x | sh a=b"
    draft = one("auditd", line)
    assert (draft.fields["a2"], draft.time) == ("wget http://x | sh a=b", instant("2026-03-01T03:14:07.123Z"))
    assert one("auditd", "type=CWD msg=audit(01.03.2026 03:14:07.123:456) : cwd=/tmp").time == draft.time
    assert read("auditd", "----\ntime->Sun Mar  1 03:14:07 2026\n") == ([], [])


def test_long_arguments_in_pieces_and_addresses():
    line = 'type=EXECVE msg=audit(1.0:1): argc=2 a0="x" a1_len=8 a1[0]=4142 a1[1]=4344'
    assert one("auditd", line).fields["a1"] == "ABCD"
    fields = one("auditd", "type=SOCKADDR msg=audit(1.0:1): saddr=02000050CB0071050000000000000000").fields
    assert (fields["dst_ip"], fields["dst_port"]) == ("203.0.113.5", 80)


def test_what_is_no_record_is_set_aside():
    assert read("auditd", "type=CWD msg=audit(): cwd=x")[1] == [
        "It is no audit record: type=… msg=audit(time:serial) is missing."
    ]
