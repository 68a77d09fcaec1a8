"""`canhlo people`: what only whoever runs the machine may do with accounts."""

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service.analysis.words import counted
from service.errors import NotFoundError
from service.opening import opened, settings_of
from service.settings import Settings
from service.store import alarms, audit, identity, members, passkeys, providers, sessions
from service.store.among import among
from service.store.models import Account, ApiToken, Membership
from service.store.passwords import NO_PASSWORD
from service.store.roles import ACTING

LINK_LASTS: Final = timedelta(minutes=30)
BY: Final = "canhlo people"  # who did it, in the audit


def add_people(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with accounts."""
    parser.add_argument("--data-dir", type=Path, help="where the database lives")
    doings = parser.add_subparsers(required=True, metavar="WHAT")
    listed = doings.add_parser("list", help="everybody, with workshops and sessions")
    listed.set_defaults(run=_run, do=_list)
    _add_data_dir(listed)
    for name, do, what in (
        ("link", _link, "print a link with which somebody who forgot the password sets a new one"),
        ("forget-passkeys", _forget_passkeys, "let somebody who lost the phone make a new passkey"),
        (
            "sign-out",
            _sign_out,
            "end every session of somebody and forget the phones, or with `all` every session of everybody",
        ),
        ("disable", _disable, "end everything that somebody can do here; what was done stays"),
    ):
        one = doings.add_parser(name, help=what)
        one.add_argument("login", metavar="LOGIN", help="e-mail address or phone number")
        one.set_defaults(run=_run, do=do)
        _add_data_dir(one)


def _add_data_dir(doing: argparse.ArgumentParser) -> None:
    """Take it here too, where other commands have it; left out, it does not take away what was said before."""
    doing.add_argument("--data-dir", type=Path, default=argparse.SUPPRESS, help="where the database lives")


def _run(options: argparse.Namespace) -> None:
    settings = settings_of(options)
    with opened(options) as database, database.write() as session:
        told = options.do(session, settings, options, datetime.now(UTC))
    print(told)


def _list(session: Session, _settings: Settings, _options: argparse.Namespace, _now: datetime) -> str:
    lines = []
    for account in session.scalars(select(Account).order_by(Account.id)):
        belongs = session.execute(select(Membership).where(Membership.account_id == account.id)).scalars()
        roles = ", ".join(f"{one.role} of workshop {one.workshop_id}" for one in belongs) or "no workshop"
        state = "DISABLED, " if account.password_hash == NO_PASSWORD else ""
        open_now = len(sessions.sessions_of(session, account.id))
        lines.append(f"{account.login}  {account.name}: {state}{roles}, {counted(open_now, 'session')}")
    return "\n".join(lines) or "nobody yet"


def _link(session: Session, settings: Settings, options: argparse.Namespace, now: datetime) -> str:
    account = _find(session, options.login)
    token = identity.create_link(session, account, now=now, lasts=LINK_LASTS)
    _note(session, "reset link made", now, account)
    return (
        f"{account.name} ({account.login}): this link sets a new password; it works once, for 30 minutes.\n"
        f"Give it to that person alone, and be sure that it is that person who asks.\n  {settings.url}/reset#{token}"
    )


def _forget_passkeys(session: Session, _settings: Settings, options: argparse.Namespace, now: datetime) -> str:
    account = _find(session, options.login)
    forgotten = passkeys.forget_all(session, account)
    ended = sessions.end_sessions(session, account.id)
    alarms.forget_subscriptions(session, account.id)
    _note(session, "passkeys forgotten", now, account)
    told = f"{counted(forgotten, 'passkey')} forgotten, {counted(ended, 'session')} ended"
    return (
        f"{account.name} ({account.login}): {told}.\n"
        "The password signs in again: be sure that it is that person who asks."
    )


def _sign_out(session: Session, _settings: Settings, options: argparse.Namespace, now: datetime) -> str:
    if options.login == "all":
        found = list(session.scalars(select(Account).order_by(Account.id)))
    else:
        found = [_find(session, options.login)]
        alarms.forget_subscriptions(session, found[0].id)  # of everybody it would leave a village without alarms
    ended = sum(sessions.end_sessions(session, account.id) for account in found)
    _note(session, "signed out", now, *found)
    return f"{counted(ended, 'session')} ended"


def _disable(session: Session, _settings: Settings, options: argparse.Namespace, now: datetime) -> str:
    account = _find(session, options.login)
    account.password_hash = NO_PASSWORD
    passkeys.forget_all(session, account)
    providers.untie(session, account.id)
    ended = sessions.end_sessions(session, account.id)
    own = ApiToken.account_id == account.id, ApiToken.revoked_at.is_(None)
    session.execute(update(ApiToken).where(*own).values(revoked_at=now))
    alarms.forget_subscriptions(session, account.id)
    identity.spend_links(session, account.id, now=now)
    members.end_every_offer(session, account.id)
    _note(session, "account disabled", now, account)
    gone = f"{counted(ended, 'session')} ended, tokens revoked, passkeys, identity and phones forgotten"
    return f"{account.name} ({account.login}): disabled; {gone}"


def _find(session: Session, login: str) -> Account:
    found = identity.account_by_login(session, login)
    if found is None:
        msg = f"there is no account {login!r}; `canhlo people list` names them"
        raise NotFoundError(msg)
    return found


def _note(session: Session, what: str, now: datetime, *accounts: Account) -> None:
    """Write down what was done with accounts, by the order of workshops: whoever notes in several goes by it."""
    belongs = (
        select(Membership.workshop_id, Account)
        .join(Account, Account.id == Membership.account_id)
        .where(among(Account.id, [account.id for account in accounts]), Membership.role.in_(ACTING))
        .order_by(Membership.workshop_id, Account.id)
    )
    for workshop_id, account in session.execute(belongs).all():
        audit.note(session, workshop_id, who=BY, what=what, now=now, account=account.id, name=account.name)
