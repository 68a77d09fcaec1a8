"""What Schemathesis is told about this API beside its document."""

from typing import Any

import schemathesis

NOWHERE = 2_147_483_647


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case, _sent: dict[str, Any]) -> None:
    """Ask for what is not there, where an answer before named nothing: a kiln at rest has no firing to go on with."""
    for name, value in case.path_parameters.items():
        if value in {None, "None"}:
            case.path_parameters[name] = NOWHERE
