"""Stages in Microsoft 365."""

from __future__ import annotations

from random import Random

from tocsin.records.instants import SECOND
from tocsin.rehearse.townhall.day import Scene
from tocsin.rehearse.townhall.entry import Entry
from tocsin.rehearse.townhall.formats import microsoft365 as m365
from tocsin.rehearse.townhall.formats.microsoft365 import CHROME_LINUX, Actor
from tocsin.rehearse.townhall.microsoft365 import SUBJECTS, app_consent, file_name, phone_registered, site_of
from tocsin.rehearse.townhall.stages.cast import Cast


def password_spray(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """One or two common passwords, tried on nearly everybody from one address; some accounts lock."""
    entries = []
    people = [person for person in scene.town.people if person is not cast.victim]
    for _ in range(rng.choice((1, 2))):
        for person in rng.sample(people, rng.randrange(len(people) * 2 // 3, len(people))):
            actor = Actor(scene.town, person, cast.outside, CHROME_LINUX)
            error = 50053 if rng.random() < 0.04 else 50126
            entries.append(m365.sign_in(rng, time, actor, error=error, request="Login:login"))
            time += rng.randrange(4 * SECOND, 14 * SECOND)
    return entries


def cloud_sign_in(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """The victim's password works, and nothing asks for a second factor."""
    actor = cast.in_cloud(scene)
    return [
        m365.sign_in(rng, time, actor, error=50126, request="Login:login"),
        m365.sign_in(rng, time + 20 * SECOND, actor, request="Login:login"),
        m365.sign_in(rng, time + 50 * SECOND, actor, app=m365.GRAPH, request="OAuth2:Token"),
        *(
            m365.mailbox(
                rng,
                time + (70 + 15 * step) * SECOND,
                actor,
                "MailItemsAccessed",
                rng.choice(SUBJECTS),
                m365.OFFICE,
            )
            for step in range(rng.randrange(5, 15))
        ),
    ]


def hiding_rule(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """An inbox rule that keeps answers from the victim's eyes."""
    words = rng.choice(("invoice;payment;bank", "password;suspicious;phish;hacked", "iban;transfer;wire"))
    where = rng.choice(
        ({"MoveToFolder": "RSS Feeds"}, {"DeleteMessage": "True"}, {"MoveToFolder": "Conversation History"})
    )
    actor = cast.in_cloud(scene)
    return [
        m365.exchange_admin(rng, time, actor, "New-InboxRule", actor.person.upn, {
            "AlwaysDeleteOutlookRulesBlob": "False", "Force": "False", "Name": rng.choice((".", "..", ",")),
            "SubjectOrBodyContainsWords": words, **where, "MarkAsRead": "True", "StopProcessingRules": "True",
        })
    ]  # fmt: skip


def consent(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """An unknown application is let at the victim's mail."""
    scopes = "offline_access User.Read Mail.ReadWrite Mail.Send MailboxSettings.ReadWrite"
    return app_consent(rng, time, cast.in_cloud(scene), cast.app, scopes)


def lured_consent(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """A mail's link leads through the intruder's relay: second factor and all, the session is the intruder's too."""
    actor = cast.in_cloud(scene)
    return [
        m365.sign_in(rng, time, actor, error=50074, request="Login:login"),
        m365.sign_in(rng, time + 25 * SECOND, actor, request="SAS:ProcessAuth"),
        *consent(rng, scene, cast, time + 60 * SECOND),
    ]


def second_factor(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """The intruder registers a phone of their own as the victim's second factor."""
    return [phone_registered(rng, time, cast.in_cloud(scene))]


def mail_reading(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """The victim's mail is read by a program, one item after the other."""
    actor = cast.in_cloud(scene)
    return [
        m365.mailbox(
            rng, time + step * 4 * SECOND, actor, "MailItemsAccessed", rng.choice(SUBJECTS), m365.GRAPH
        )
        for step in range(rng.randrange(40, 110))
    ]


def forwarding(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """All mail goes to an address outside as well."""
    actor = cast.in_cloud(scene)
    return [
        m365.exchange_admin(rng, time, actor, "Set-Mailbox", actor.person.upn, {
            "Identity": actor.person.upn, "ForwardingSmtpAddress": f"smtp:archive{rng.randrange(100, 999)}@mailbox.example",
            "DeliverToMailboxAndForward": "True",
        })
    ]  # fmt: skip


def payment_mail(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """Mail in the victim's name asks for changed bank details, and is deleted from the sent items."""
    actor = cast.in_cloud(scene)
    entries = []
    for step in range(rng.randrange(3, 8)):
        sent = time + step * rng.randrange(20 * SECOND, 50 * SECOND)
        entries += [
            m365.mailbox(rng, sent, actor, "Send", "Changed bank details", m365.OFFICE),
            m365.mailbox(rng, sent + 6 * SECOND, actor, "HardDelete", "Changed bank details", m365.OFFICE),
        ]
    return entries


def mass_download(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """The department's documents leave one after the other within minutes."""
    actor, site = cast.in_cloud(scene), site_of(cast.victim.department)
    entries = [m365.sign_in(rng, time, actor, app=m365.SHAREPOINT, request="OAuth2:Token")]
    for _ in range(rng.randrange(120, 220)):
        time += rng.randrange(SECOND, 4 * SECOND)
        entries.append(m365.document(rng, time, actor, "FileDownloaded", site, file_name(rng)))
    return entries


def cloud_role(rng: Random, scene: Scene, cast: Cast, time: int) -> list[Entry]:
    """With the technician's session the victim's account becomes Global Administrator."""
    actor = cast.in_cloud(scene, scene.town.technician)
    return [
        m365.sign_in(rng, time, actor, app=m365.GRAPH, request="Login:login"),
        m365.directory(rng, time + 40 * SECOND, actor, "Add member to role.", cast.victim.upn, {
            "Role.ObjectID": ("", "62e90394-69f5-4237-9190-012177145e10"),  # the same in every tenant
            "Role.DisplayName": ("", "Global Administrator"),
            "Role.WellKnownObjectName": ("", "TenantAdmins"),
        }),
    ]  # fmt: skip
