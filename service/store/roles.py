"""Who may do what in a workshop: the one table that decides it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a person is to one workshop; a technician or a testing centre may be that to many."""

    OPERATOR = "operator"
    OWNER = "owner"
    TECHNICIAN = "technician"
    TESTING_CENTRE = "testing_centre"
    ASSOCIATION = "association"


class Action(StrEnum):
    """What a request asks to do; every route names one."""

    LOOK = "look"  # kilns, curves, firings, what came out
    FOLLOW = "follow"  # the live stream, alarms, forecasts, notes
    FIRE = "fire"  # acknowledge an alarm, end a firing, say what it is to be
    RECORD = "record"  # what was put in and what came out
    SET_UP = "set_up"  # kilns, bridges, plans
    GOVERN = "govern"  # people, tokens, what was done by whom


GRANTS: Final[Mapping[Role, frozenset[Action]]] = {
    Role.OWNER: frozenset(Action),
    Role.TECHNICIAN: frozenset({Action.LOOK, Action.FOLLOW, Action.FIRE, Action.RECORD, Action.SET_UP}),
    Role.OPERATOR: frozenset({Action.LOOK, Action.FOLLOW, Action.FIRE, Action.RECORD}),
    Role.TESTING_CENTRE: frozenset({Action.LOOK, Action.RECORD}),
    Role.ASSOCIATION: frozenset({Action.LOOK}),
}


ACTING: Final = [role.value for role, actions in GRANTS.items() if actions - {Action.LOOK}]  # who do more than look


class Scope(StrEnum):
    """How far an API token reaches, within what the person who made it may do."""

    READ = "read"
    WRITE = "write"


SCOPES: Final[Mapping[Scope, frozenset[Action]]] = {
    Scope.READ: frozenset({Action.LOOK, Action.FOLLOW}),
    Scope.WRITE: frozenset(Action) - {Action.GOVERN},
}


def roles_that(action: Action) -> list[str]:
    """Return the roles that may do something."""
    return [role.value for role, actions in GRANTS.items() if action in actions]
