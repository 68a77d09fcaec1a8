"""A post as it came: bytes that nobody has read yet, and how they are to be read."""

import zlib
from typing import Final, NamedTuple

import msgspec

from firmware_bridge.wire import Post
from service.errors import ServiceError

MAX_UNPACKED_BYTES: Final = 16_000_000

_decoders = {
    "application/msgpack": msgspec.msgpack.Decoder(Post).decode,
    "application/json": msgspec.json.Decoder(Post).decode,
}


class MalformedError(ServiceError):
    """The body is not a post; sending the same again cannot help."""

    code = "malformed"


class TooLargeError(ServiceError):
    """The body is larger than a post may be."""

    code = "too_large"


class Packed(NamedTuple):
    """A post's body, with the headers that say how to read it."""

    content_type: str
    coding: str
    body: bytes

    def post(self) -> Post:
        """Return the post; raise MalformedError with what was seen and what was wanted, or TooLargeError."""
        kind = self.content_type.partition(";")[0].strip()
        decode = _decoders.get(kind)
        if decode is None:
            msg = f"content type {kind[:60]!r}; wanted {' or '.join(_decoders)}"
            raise MalformedError(msg)
        try:
            return decode(unpack(self.coding, self.body))
        except (msgspec.DecodeError, ValueError) as error:  # ValueError: not UTF-8
            msg = f"not a post of blocks: {str(error)[:300]}"
            raise MalformedError(msg) from error


def unpack(coding: str, body: bytes) -> bytes:
    """Return a body as it was before it was packed; one that grows over the limit is refused before it is held."""
    if coding == "identity":
        return body
    if coding != "gzip":
        msg = f"content encoding {coding[:60]!r}; wanted gzip or none"
        raise MalformedError(msg)
    stream = zlib.decompressobj(wbits=31)
    try:
        unpacked = stream.decompress(body, MAX_UNPACKED_BYTES)
    except zlib.error as error:
        msg = f"not gzip: {error}"
        raise MalformedError(msg) from error
    if stream.unconsumed_tail:
        msg = f"a post has at most {MAX_UNPACKED_BYTES} bytes unpacked, and this one is larger"
        raise TooLargeError(msg)
    if not stream.eof:
        msg = "gzip that ends too early"
        raise MalformedError(msg)
    return unpacked
