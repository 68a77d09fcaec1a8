"""What Schemathesis is told about this API beside its document."""

import re
from typing import Any
from uuid import uuid4

import schemathesis

NOWHERE = 2_147_483_647
KEY = "Idempotency-Key"


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case, _sent: dict[str, Any]) -> None:
    """Ask for what is not there, where an answer before named nothing: a kiln at rest has no firing to go on with."""
    for name, value in case.path_parameters.items():
        if value in {None, "None"}:
            case.path_parameters[name] = NOWHERE
    # Every request has a key of its own; one that is used again for another request is refused, as it should be.
    if re.fullmatch("[!-~]{8,200}", str((case.headers or {}).get(KEY, ""))):
        case.headers[KEY] = str(uuid4())
