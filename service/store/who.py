"""Who is asking, and what that person or program may do where."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from service.store.roles import Action


@dataclass(frozen=True)
class Who:
    """A signed-in person, or a program with a token: the tenant comes from here and nowhere else.

    `grants` says for each workshop what may be done there; `token_id` is None for a person, and `seen_at` is when that
    person's browser was noted last. Who `lacks_factor` showed a password where two factors are asked for, and has no
    second one yet: it can be made, and there are no grants until then.
    """

    account_id: int
    name: str
    login: str
    language: str
    grants: Mapping[int, frozenset[Action]]
    token_id: int | None = None
    seen_at: datetime | None = None
    lacks_factor: bool = False

    @property
    def workshop_ids(self) -> tuple[int, ...]:
        return tuple(sorted(self.grants))

    def where_may(self, action: Action) -> dict[int, frozenset[Action]]:
        """Return the grants of those workshops in which the action is allowed."""
        return {workshop_id: actions for workshop_id, actions in self.grants.items() if action in actions}

    @property
    def acts_in(self) -> list[int]:
        """Return the workshops, in order, where more than looking is allowed."""
        return [workshop_id for workshop_id in self.workshop_ids if self.grants[workshop_id] - {Action.LOOK}]

    def reads_notes(self, workshop_id: int) -> bool:
        """Say whether notes are shown: they name people, and who only looks, such as the association, reads none."""
        return Action.FOLLOW in self.grants[workshop_id]
