import { useState } from "preact/hooks";
import { api, type Invitation, type InvitationLink, type Me, type Member, type Role } from "../api";
import { useLoad } from "../load";
import { Choice, Confirm, Loaded, Outcome } from "./small";
import { useAction, useLanguage } from "./use";

const ROLES: readonly Role[] = ["operator", "owner", "technician", "testing_centre", "association"];

function useRoles(): (readonly [string, string])[] {
  const { say } = useLanguage();
  return ROLES.map((role) => [role, say(`role.${role}`)]);
}

const roleOf = (text: string): Role => ROLES.find((role) => role === text) ?? "operator";

/** The link and its picture, told only once. */
function Link({ made, onClose }: { made: InvitationLink; onClose: () => void }) {
  const { say, format } = useLanguage();
  const [isCopied, setCopied] = useState(false);
  return (
    <div class="pairing" data-testid="invitation">
      <p>
        {say("people.invited")} <b>{say(`role.${made.role}`)}</b>
      </p>
      {/* biome-ignore lint/security/noDangerouslySetInnerHtml: drawn by the service from a link of its own */}
      <div class="qr" role="img" aria-label={say("people.qr")} dangerouslySetInnerHTML={{ __html: made.qr_svg }} />
      <pre data-testid="invitation-link">{made.link}</pre>
      <p class="quiet">{say("people.until", { time: format.dayClock(new Date(made.expires_at)) })}</p>
      <div class="row">
        <button type="button" onClick={() => void navigator.clipboard.writeText(made.link).then(() => setCopied(true))}>
          {say(isCopied ? "people.copied" : "people.copy")}
        </button>
        <button type="button" class="plain" onClick={onClose}>
          {say("app.close")}
        </button>
      </div>
    </div>
  );
}

interface MemberRowProps {
  workshopId: number;
  member: Member;
  isMe: boolean;
  onChange: () => void;
}

function MemberRow({ workshopId, member, isMe, onChange }: MemberRowProps) {
  const { say } = useLanguage();
  const roles = useRoles();
  const [isAsking, setAsking] = useState(false);
  const [doing, run] = useAction();
  const change = (role: Role) => run(() => api.changeMember(workshopId, member.account_id, { role })).then(onChange);
  const remove = () => run(() => api.removeMember(workshopId, member.account_id)).then(onChange);
  return (
    <li data-testid="member">
      <div>
        <b>{member.name}</b>
        <span class="quiet">
          {member.login}
          {isMe && ` · ${say("people.you")}`}
        </span>
      </div>
      <div class="row">
        <Choice
          label={say("people.role")}
          value={member.role}
          options={roles}
          onValue={(text) => void change(roleOf(text))}
        />
        {!isMe && (
          <button type="button" class="plain" data-testid="remove-member" onClick={() => setAsking(true)}>
            {say("app.remove")}
          </button>
        )}
      </div>
      {doing.is === "failed" &&
        (doing.code === "conflict" ? (
          <p class="outcome" role="status">
            ✕ {say("people.lastOwner")}
          </p>
        ) : (
          <Outcome doing={doing} />
        ))}
      {isAsking && (
        <Confirm
          title={say("people.removeAsk", { name: member.name })}
          why={say("people.removeWhy")}
          go={say("app.remove")}
          onGo={() => void remove()}
          onClose={() => setAsking(false)}
        />
      )}
    </li>
  );
}

function Waiting({
  workshopId,
  invitations,
  onChange,
}: {
  workshopId: number;
  invitations: Invitation[];
  onChange: () => void;
}) {
  const { say, format } = useLanguage();
  const [doing, run] = useAction();
  if (invitations.length === 0) return null;
  return (
    <>
      <h3>{say("people.waiting")}</h3>
      <ul class="things">
        {invitations.map((one) => (
          <li key={one.id} data-testid="open-invitation">
            <div>
              <b>{say(`role.${one.role}`)}</b>
              <span class="quiet">
                {one.invited_by} · {say("people.until", { time: format.dayClock(new Date(one.expires_at)) })}
              </span>
            </div>
            <button
              type="button"
              class="plain"
              onClick={() => void run(() => api.takeBackInvitation(workshopId, one.id)).then(onChange)}
            >
              {say("people.takeBack")}
            </button>
          </li>
        ))}
      </ul>
      {doing.is === "failed" && <Outcome doing={doing} />}
    </>
  );
}

/** Who belongs to the workshop and as what; invitations by link or picture. */
export function People({ me, workshopId }: { me: Me; workshopId: number }) {
  const { say } = useLanguage();
  const roles = useRoles();
  const [members, reloadMembers] = useLoad(() => api.members(workshopId), [workshopId]);
  const [invitations, reloadInvitations] = useLoad(() => api.invitations(workshopId), [workshopId]);
  const [role, setRole] = useState<Role>("operator");
  const [made, setMade] = useState<InvitationLink | null>(null);
  const [doing, run] = useAction();
  const invite = async (event: Event) => {
    event.preventDefault();
    await run(async () => setMade(await api.invite(workshopId, { role })));
    reloadInvitations();
  };
  return (
    <section class="panel stack" data-testid="people">
      <h2>{say("people.title")}</h2>
      <Loaded load={members} retry={reloadMembers}>
        {(found) => (
          <ul class="things">
            {found.map((member) => (
              <MemberRow
                key={member.account_id}
                workshopId={workshopId}
                member={member}
                isMe={member.login === me.login}
                onChange={reloadMembers}
              />
            ))}
          </ul>
        )}
      </Loaded>
      {made && <Link made={made} onClose={() => setMade(null)} />}
      <Loaded load={invitations} retry={reloadInvitations}>
        {(found) => <Waiting workshopId={workshopId} invitations={found} onChange={reloadInvitations} />}
      </Loaded>
      <form class="add" onSubmit={(event) => void invite(event)}>
        <Choice
          label={say("people.invite")}
          value={role}
          options={roles}
          onValue={(text) => setRole(roleOf(text))}
          testid="invite-role"
        />
        <button type="submit" disabled={doing.is === "busy"} data-testid="invite">
          + {say("people.inviteGo")}
        </button>
      </form>
      <p class="quiet">{say(`role.why.${role}`)}</p>
      {doing.is === "failed" && <Outcome doing={doing} />}
    </section>
  );
}
