"""Failures that are expected, without HTTP: `api.problems` alone gives each `code` a status."""


class ServiceError(Exception):
    """Something a caller asked for cannot be done; `code` is stable, the message is for a person."""

    code = "service_error"


class NotFoundError(ServiceError):
    code = "not_found"


class ConflictError(ServiceError):
    code = "conflict"


class RefusedError(ServiceError):
    """The credential is missing, wrong, expired or not enough."""

    code = "refused"


class WrongProofError(ServiceError):
    """Who asks is signed in, but the password that was shown once more is not right."""

    code = "wrong_proof"


class TooLateError(ServiceError):
    """What was begun was ended before, was begun elsewhere or has taken too long: it has to begin again."""

    code = "too_late"


class FactorNeededError(ServiceError):
    """A password is not enough here: the account has a passkey, and it is asked for."""

    code = "passkey_needed"


class InvalidError(ServiceError):
    """The request is well-formed but asks for something that makes no sense."""

    code = "invalid"


class ImpossiblePlanError(InvalidError):
    """A plan asks for what no kiln can do."""

    code = "impossible_plan"


class UndatedError(InvalidError):
    """A log's times count from its beginning, and nobody said when that was."""

    code = "undated_log"


class StaleError(ServiceError):
    """Somebody else has changed it since the caller looked."""

    code = "changed_meanwhile"


class ProviderError(ServiceError):
    """The identity provider does not answer, or not as one."""

    code = "provider_failed"


class TooLongError(ServiceError):
    """Something takes more time or memory than it may."""

    code = "took_too_long"


class TooManyError(ServiceError):
    """Somebody tries or asks too often, and may again after `wait_s`."""

    code = "too_many"

    def __init__(self, message: str, wait_s: int) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class BusyError(ServiceError):
    """The service cannot take more now; whoever asked comes again."""

    code = "busy"


class FullError(ServiceError):
    """There are as many of something as there can be."""

    code = "full"


class DeliveryError(ServiceError):
    """A channel could not deliver; `retry` says whether trying again can help."""

    code = "delivery_failed"

    def __init__(self, message: str, *, retry: bool) -> None:
        super().__init__(message)
        self.retry = retry
