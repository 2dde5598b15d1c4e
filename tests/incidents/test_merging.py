from tests.incidents.making import finding

from tocsin.incidents.desk import IncidentDesk
from tocsin.records.instants import HOUR, MINUTE


def groups(*findings):
    desk = IncidentDesk()
    desk.add(findings)
    return sorted(sorted(f.rule_id for f in incident.findings) for incident in desk.all())


def theft(at=0, host="PC-1", **given):
    return finding(
        "theft", at, host=host, user="victim", level="critical", tactics=["credential-access"], **given
    )


def test_stolen_passwords_join_what_follows_under_another_name():
    after = finding("service", 15 * MINUTE, host="FS-01", user="adm.quist", level="high")
    assert groups(theft(), after) == [["service", "theft"]]


def test_what_came_before_or_hours_later_or_is_mild_is_another_story():
    before = finding("before", 0, host="FS-01", level="high")
    later = finding("later", 9 * HOUR, host="FS-02", level="high")
    mild = finding("mild", 3 * HOUR + MINUTE, host="FS-03", level="medium")
    assert groups(theft(3 * HOUR), before, later, mild) == [["before"], ["later"], ["mild"], ["theft"]]


def test_a_common_rule_of_credential_access_concludes_nothing():
    common = [theft(n * 7 * HOUR, host=f"PC-{n}") for n in range(5)]
    after = finding("service", 15 * MINUTE, host="FS-01", user="other", level="high")
    assert ["service"] in groups(*common, after)


def test_a_drill_is_not_joined_to_what_is_live():
    after = finding("service", MINUTE, host="FS-01", level="high")
    assert groups(theft(origin="simulated:drill"), after) == [["service"], ["theft"]]


def test_the_same_thing_on_another_machine_is_one_decision():
    assert groups(finding("r", 0, host="PC-1"), finding("r", 3 * HOUR, host="PC-2")) == [["r", "r"]]
    assert len(groups(finding("r", 0, host="PC-1"), finding("r", 13 * HOUR, host="PC-2"))) == 2
    assert len(groups(finding("r", 0, host="PC-1"), finding("s", HOUR, host="PC-2"))) == 2


def test_an_administrators_second_account_is_the_same_person():
    one = finding("a", 0, host="PC-1", user="TOWN\\adm.quist")
    other = finding("b", HOUR, host="nas", user="quist")
    assert groups(one, other) == [["a", "b"]]
    desk = IncidentDesk()
    desk.add([one, other])
    assert desk.all()[0].users == ("TOWN\\adm.quist", "quist")


def test_years_do_not_matter_to_any_of_it():
    year = 365 * 24 * HOUR
    assert len(groups(theft(0), finding("service", year, host="FS-01", level="high"))) == 2
    assert len(groups(finding("r", 0, host="PC-1"), finding("r", year, host="PC-1"))) == 2


def web_shell(at=0, **given):
    return finding(
        "shell",
        at,
        host=None,
        user=None,
        address="203.0.113.81",
        level="high",
        tactics=["persistence"],
        **given,
    )


def test_what_follows_a_foothold_whose_log_names_no_machine_belongs_to_it():
    after = finding("sudo", 20 * MINUTE, host="web01", user="helpdesk", level="medium")
    assert groups(web_shell(), after) == [["shell", "sudo"]]


def test_a_foothold_on_a_named_machine_mild_or_earlier_findings_and_guessing_join_nothing():
    after = finding("sudo", HOUR, host="web01", user="helpdesk", level="medium")
    named = finding("shell", 0, host="web02", user=None, level="high", tactics=["persistence"])
    assert len(groups(named, after)) == 2
    guessing = finding(
        "guess", 0, host=None, user=None, address="203.0.113.9", level="high", tactics=["credential-access"]
    )
    assert len(groups(guessing, after)) == 2
    mild = finding("look", 20 * MINUTE, host="PC-1", user="anna", level="low")
    before = finding("early", 0, host="PC-2", user="bert", level="medium")
    assert groups(web_shell(9 * HOUR), before, mild) == [["early"], ["look"], ["shell"]]
