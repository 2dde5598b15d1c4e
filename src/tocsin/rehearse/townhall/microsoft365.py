"""An ordinary day in Microsoft 365: sign-ins, mail, documents, chats, and the changes that look odd and are not."""

# ruff: noqa: PLR0913  a writer's parameters are the parts of its record

from __future__ import annotations

from random import Random

from tocsin.records.instants import MINUTE, SECOND
from tocsin.rehearse.townhall.day import Presence, Scene
from tocsin.rehearse.townhall.entry import Entry, guid
from tocsin.rehearse.townhall.formats import microsoft365 as m365
from tocsin.rehearse.townhall.formats.microsoft365 import Actor

SUBJECTS = (
    "Agenda for Thursday", "Question about form 12", "Invoice for the road works", "Re: Minutes", "Leave request",
    "Parking permits", "New bins", "Council meeting", "Payment reminder", "School roof", "Newsletter", "Budget draft",
    "Complaint about noise", "Re: Site visit", "Password expires soon", "Delivery on Friday", "Photos of the fair",
)  # fmt: skip
_SUBJECTS_OF_FILES = (
    "budget", "minutes", "permit", "register", "invoice", "plan", "contract", "rota", "report", "letter", "map", "list",
)  # fmt: skip
_EXTENSIONS = ("docx", "xlsx", "pdf", "pptx")


def file_name(rng: Random) -> str:
    """The name of a document."""
    return f"{rng.choice(_SUBJECTS_OF_FILES)}-{rng.randrange(2019, 2027)}-{rng.randrange(1, 60):02d}.{rng.choice(_EXTENSIONS)}"


def site_of(department: str) -> str:
    """The SharePoint site of a department."""
    return department.replace(" ", "").replace("'", "")


def ordinary(rng: Random, scene: Scene) -> list[Entry]:
    """The day's records, in no order."""
    entries: list[Entry] = []
    for presence in scene.presences:
        actor = Actor(scene.town, presence.person, presence.address)
        if presence.works:
            entries += _signs_in(rng, presence, actor)
            entries += _desk_work(rng, presence, actor)
        entries += _phone(rng, scene, presence)
    entries += _traveller(rng, scene)
    entries += _housekeeping(rng, scene)
    entries += _administration(rng, scene)
    return entries


def _signs_in(rng: Random, presence: Presence, actor: Actor) -> list[Entry]:
    """Passwords in the morning, some mistyped, always with the second factor; tokens renewed all day."""
    time = presence.arrive + rng.randrange(MINUTE, 6 * MINUTE)
    entries = []
    for _ in range(rng.choice((0,) * 8 + (1, 2))):
        entries.append(m365.sign_in(rng, time, actor, error=50126, request="Login:login"))
        time += rng.randrange(5 * SECOND, 40 * SECOND)
    if entries or rng.random() < 0.35:  # the others are still signed in from the day before
        entries += _second_factor(rng, time, actor)
    apps = (m365.OUTLOOK, m365.TEAMS, m365.SHAREPOINT, m365.OFFICE)
    entries += [
        m365.sign_in(rng, moment, actor, app=rng.choice(apps), request="OAuth2:Token")
        for moment in presence.moments(rng, 9 * actor.person.pace)
    ]
    return entries


def _second_factor(rng: Random, time: int, actor: Actor) -> list[Entry]:
    """A sign-in that is interrupted for the second factor, as audit records show it, then done."""
    entries = [m365.sign_in(rng, time, actor, error=50074, request="Login:login")]
    time += rng.randrange(8 * SECOND, 30 * SECOND)
    entries.append(m365.sign_in(rng, time, actor, request="SAS:ProcessAuth"))
    return entries


def _desk_work(rng: Random, presence: Presence, actor: Actor) -> list[Entry]:
    pace = actor.person.pace
    entries = [
        m365.mailbox(rng, time, actor, operation, rng.choice(SUBJECTS))
        for operation, count in (
            ("MailItemsAccessed", 34), ("Send", 9), ("MoveToDeletedItems", 8), ("SoftDelete", 3), ("Create", 3),
        )
        for time in presence.moments(rng, count * pace)
    ]  # fmt: skip
    own = f"personal/{actor.person.account.name.replace('.', '_')}"
    shared = site_of(actor.person.department)
    entries += [
        m365.document(rng, time, actor, operation, own if rng.random() < 0.3 else shared, file_name(rng))
        for operation, count in (
            ("FileAccessed", 22), ("FileModified", 10), ("FilePreviewed", 4), ("FileDownloaded", 3),
            ("FileUploaded", 2), ("FileSyncUploadedFull", 4), ("FileRecycled", 1),
        )
        for time in presence.moments(rng, count * pace)
    ]  # fmt: skip
    entries += [m365.team_message(rng, time, actor) for time in presence.moments(rng, 12 * pace)]
    return entries


def _phone(rng: Random, scene: Scene, presence: Presence) -> list[Entry]:
    """Mail on the phone, early and late."""
    actor = Actor(scene.town, presence.person, rng.choice(scene.network.internet.phones), m365.PHONE)
    times = scene.day.moments(rng, rng.randrange(6), 6.5, 22.5)
    return [
        entry
        for time in times
        for entry in (
            m365.sign_in(rng, time, actor, app=m365.OUTLOOK, request="OAuth2:Token"),
            m365.mailbox(
                rng, time + 2 * SECOND, actor, "MailItemsAccessed", rng.choice(SUBJECTS), m365.OFFICE
            ),
        )
    ]


def _traveller(rng: Random, scene: Scene) -> list[Entry]:
    """The councillor abroad: an address never seen before, a mistyped password, but always the second factor."""
    presence = next(presence for presence in scene.presences if presence.place == "abroad")
    actor = Actor(scene.town, presence.person, presence.address)
    entries: list[Entry] = []
    for time in scene.day.moments(rng, 3, 7, 21):
        if rng.random() < 0.5:
            entries.append(m365.sign_in(rng, time - 20 * SECOND, actor, error=50126, request="Login:login"))
        entries += _second_factor(rng, time, actor)
        entries += [
            m365.mailbox(
                rng, time + step * 40 * SECOND, actor, "MailItemsAccessed", rng.choice(SUBJECTS), m365.OFFICE
            )
            for step in range(1, rng.randrange(4, 9))
        ]
    return entries


def _housekeeping(rng: Random, scene: Scene) -> list[Entry]:
    """What people do to their own mailboxes and files: rules for newsletters, out-of-office, a new laptop's sync."""
    chosen = rng.sample(scene.working, 4)
    tidy, leaves, sync, meeting = (
        (presence, Actor(scene.town, presence.person, presence.address)) for presence in chosen
    )
    entries = [
        m365.exchange_admin(rng, time, tidy[1], "New-InboxRule", tidy[1].person.upn, {
            "AlwaysDeleteOutlookRulesBlob": "False", "Force": "False", "Name": "Newsletters",
            "SubjectContainsWords": "newsletter", "MoveToFolder": "Newsletters",
            "StopProcessingRules": "True",
        })
        for time in tidy[0].moments(rng, 1)
    ]  # fmt: skip
    entries += [
        m365.exchange_admin(rng, time, leaves[1], "Set-MailboxAutoReplyConfiguration", leaves[1].person.upn, {
            "Identity": leaves[1].person.upn, "AutoReplyState": "Scheduled",
        })
        for time in leaves[0].moments(rng, 1)
    ]  # fmt: skip
    for first in sync[0].moments(rng, 1):
        entries += [
            m365.document(
                rng,
                first + step * 3 * SECOND,
                sync[1],
                "FileSyncDownloadedFull",
                site_of(sync[1].person.department),
                file_name(rng),
            )
            for step in range(rng.randrange(60, 110))
        ]
    for first in meeting[0].moments(rng, 1):
        entries += [
            m365.document(
                rng, first + step * 9 * SECOND, meeting[1], "FileDownloaded", "Council", file_name(rng)
            )
            for step in range(rng.randrange(8, 16))
        ]
    return entries


def _administration(rng: Random, scene: Scene) -> list[Entry]:
    """The technician's day in the cloud: a helped colleague, a shared mailbox, a new phone, an approved application."""
    desk = scene.technician
    actor = Actor(scene.town, desk.person, desk.address)
    times = desk.moments(rng, 4)
    helped, renewed = rng.sample([person for person in scene.town.people if person is not desk.person], 2)
    entries = [
        m365.directory(rng, times[0], actor, "Reset user password.", helped.upn, {}),
        m365.directory(rng, times[1], actor, "Change user license.", helped.upn, {}),
        m365.exchange_admin(rng, times[2], actor, "Set-Mailbox", f"info@{scene.town.domain}", {
            "Identity": f"info@{scene.town.domain}", "MessageCopyForSentAsEnabled": "True",
        }),
    ]  # fmt: skip
    if rng.random() < 0.5:
        entries += app_consent(rng, times[3], actor, "Room Booking", "User.Read Calendars.Read", admin=True)
    phone = Actor(scene.town, renewed, scene.network.internet.homes[renewed.account.name], m365.PHONE)
    evening = scene.day.at(18.5) + rng.randrange(90 * MINUTE)
    entries += _second_factor(rng, evening, phone)
    if rng.random() < 0.3:
        entries.append(phone_registered(rng, evening + 2 * MINUTE, phone))
    return entries


def phone_registered(rng: Random, time: int, actor: Actor) -> Entry:
    """A new authenticator app on `actor`'s account."""
    name = f"phone-{rng.randrange(100, 999)}"
    device = f'[{{"DeviceName":"{name}","DeviceToken":"NO_DEVICE_TOKEN","PhoneAppVersion":"6.8.15"}}]'
    methods = '[{"MethodType":6,"Default":true},{"MethodType":7,"Default":false}]'
    return m365.directory(rng, time, actor, "Update user.", actor.person.upn, {
        "StrongAuthenticationMethod": ("[]", methods),
        "StrongAuthenticationPhoneAppDetail": ("[]", device),
        "Included Updated Properties": ("", "StrongAuthenticationMethod, StrongAuthenticationPhoneAppDetail"),
        "TargetId.UserType": ("", "Member"),
    })  # fmt: skip


def app_consent(
    rng: Random, time: int, actor: Actor, app: str, scopes: str, *, admin: bool = False
) -> list[Entry]:
    """Somebody lets an application at the organisation's data: three records, as Entra writes them."""
    principal, resource = guid(rng), guid(rng)
    kind = "AllPrincipals" if admin else "Principal"
    grant = (
        f"[] => [[Id: {guid(rng)[:22]}, ClientId: {principal}, PrincipalId: {actor.person.object_id}, "
        f"ResourceId: {resource}, ConsentType: {kind}, Scope: {scopes}, CreatedDateTime: , LastModifiedDateTime ]];"
    )
    return [
        m365.directory(rng, time, actor, "Add service principal.", f"ServicePrincipal_{principal}", {
            "AccountEnabled": ("[]", "[true]"), "AppPrincipalId": ("[]", f'["{guid(rng)}"]'),
            "DisplayName": ("[]", f'["{app}"]'),
        }),
        m365.directory(rng, time + SECOND, actor, "Add delegated permission grant.", f"ServicePrincipal_{resource}", {
            "DelegatedPermissionGrant.Scope": ("", scopes), "DelegatedPermissionGrant.ConsentType": ("", kind),
            "ServicePrincipal.ObjectID": ("", principal),
        }),
        m365.directory(rng, time + SECOND, actor, "Consent to application.", f"ServicePrincipal_{principal}", {
            "ConsentContext.IsAdminConsent": ("", str(admin)), "ConsentContext.IsAppOnly": ("", "False"),
            "ConsentContext.OnBehalfOfAll": ("", str(admin)), "ConsentAction.Permissions": ("", grant),
            "TargetId.ServicePrincipalNames": ("", guid(rng)),
        }),
    ]  # fmt: skip
