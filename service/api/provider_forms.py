"""What is sent and told of the identity provider."""

from typing import Annotated

from pydantic import Field

from service.api.schemas import In, Out

Code = Annotated[str, Field(min_length=1, max_length=4000)]
State = Annotated[str, Field(max_length=200, pattern="^[A-Za-z0-9_-]+$")]


class ProviderOut(Out):
    """What the provider is called; null if there is none."""

    name: str | None


class WayOut(Out):
    """Where the browser goes; it comes back to `/provider` with `code` and `state` behind the `?`."""

    url: str


class ReturnIn(In):
    """What the provider gave the browser to bring back."""

    code: Code
    state: State


class TiedOut(Out):
    """What the provider is called, and who one is there."""

    name: str | None
    known_as: str | None
