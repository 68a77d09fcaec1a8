"""What MultiZoneKilnController writes before its recording: corners by name, in °C as all that it writes."""

from service.core.schedule import Schedule, from_corners
from service.importers.schedules.document import Document, fields, number, unit_of


def is_mine(document: Document) -> bool:
    segments = document.json.get("segments")
    return (
        isinstance(segments, list) and bool(segments) and isinstance(segments[0], dict) and "temperature" in segments[0]
    )


def read(document: Document, unit: str | None) -> list[Schedule]:
    unit_of("c", unit, "MultiZone's `segments`")
    corners = [fields(one) for one in document.steps("segments")]
    points = [(number(one.get("time"), "time"), number(one.get("temperature"), "temperature")) for one in corners]
    return [from_corners(points, name=document.name)]
