"""A client for programs: typed, on httpx, and nothing of the service's own inside is needed for it.

>>> from service.client import Client
>>> with Client("https://lo.example.org", token="canhlo_...") as canhlo:  # doctest: +SKIP
...     for firing in canhlo.firings(kiln_id=1):
...         print(firing.number, firing.peak_c, firing.cone_reached)
"""

from service.client.http import AnswerError, Client

__all__ = ["AnswerError", "Client"]
