"""What PostgreSQL's own library makes of a database's address."""

from psycopg import pq
from sqlalchemy.engine import make_url


def words_of(url: str) -> dict[str, str]:
    """Return what an address asks for, by libpq's own keywords, such as host and sslmode."""
    parsed = make_url(url)
    _, given = parsed.get_dialect()().create_connect_args(parsed)
    return {keyword: str(value) for keyword, value in given.items()}


def whole_words_of(url: str) -> dict[str, str]:
    """Return the same with what holds where the address says nothing: the environment, such as PGHOST, and defaults."""
    return {one.keyword.decode(): one.val.decode() for one in pq.Conninfo.get_defaults() if one.val} | words_of(url)


def environment_of(url: str) -> dict[str, str]:
    """Return an address as environment variables, for PostgreSQL's programs; nobody else on the machine sees those."""
    names = {one.keyword.decode(): one.envvar.decode() for one in pq.Conninfo.get_defaults() if one.envvar}
    return {names[keyword]: value for keyword, value in words_of(url).items() if keyword in names}
