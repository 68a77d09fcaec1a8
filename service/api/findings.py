"""Findings of kilns and firings, and what a person who was there says of them."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from service.api import schemas, views
from service.api.deps import Fires, Language, Looks, MachineNow, Session
from service.api.paging import link_next
from service.store import audit, findings

router = APIRouter(tags=["findings"])


class VerdictIn(schemas.In):
    """Whether it was so; null takes back what was said."""

    verdict: schemas.Verdict | None
    note: Annotated[str, Field(max_length=500)] = ""


@router.get("/findings", response_model=list[schemas.FindingOut])
def list_findings(
    session: Session,
    who: Looks,
    language: Language,
    kiln_id: schemas.Id | None = None,
    firing_id: schemas.Id | None = None,
    kind: Annotated[str | None, Query(pattern="^[a-z0-9_]{1,40}$", max_length=40)] = None,
    before_id: schemas.Id | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    *,
    request: Request,
    response: Response,
) -> list[schemas.FindingOut]:
    """Return findings, newest first."""
    found = findings.list_findings(
        session,
        who.workshop_ids,
        kiln_id=kiln_id,
        firing_id=firing_id,
        kind=kind,
        before_id=before_id,
        limit=limit,
    )
    link_next(request, response, found, limit)
    return [views.finding_out(one, language, with_note=who.reads_notes(one.workshop_id)) for one in found]


@router.get("/findings/{finding_id}", response_model=schemas.FindingOut)
def read_finding(finding_id: schemas.Id, session: Session, who: Looks, language: Language) -> schemas.FindingOut:
    """Return a finding."""
    found = findings.get_finding(session, who.workshop_ids, finding_id)
    return views.finding_out(found, language, with_note=who.reads_notes(found.workshop_id))


@router.put("/findings/{finding_id}/verdict", response_model=schemas.FindingOut)
def judge_finding(
    finding_id: schemas.Id, asked: VerdictIn, session: Session, who: Fires, language: Language, now: MachineNow
) -> schemas.FindingOut:
    """Say whether a finding was so or a false alarm: by this the rules are held to what happened."""
    finding = findings.get_finding(session, who.workshop_ids, finding_id)
    said = None if asked.verdict is None else asked.verdict.value
    findings.judge(finding, said, note=asked.note, who=who.name, now=now)
    audit.note(
        session, finding.workshop_id, who=who.name, what="finding judged", now=now, finding=finding.id, verdict=said
    )
    return views.finding_out(finding, language, with_note=who.reads_notes(finding.workshop_id))
