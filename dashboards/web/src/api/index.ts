import { ask, send } from "./client";
import type { components } from "./schema";

export type Schemas = components["schemas"];
export type Passkey = Schemas["PasskeyOut"];
export type SignedInAt = Schemas["SessionOut"];
export type Me = Schemas["MeOut"];
export type Kiln = Schemas["KilnOut"];
export type KilnNow = Schemas["KilnNow"];
export type ChannelNow = Schemas["ChannelNow"];
export type ChannelNamed = Schemas["ChannelNamed"];
export type Cone = Schemas["ConeProgress"];
export type Bridge = Schemas["BridgeOut"];
export type Pairing = Schemas["PairingOut"];
export type Plan = Schemas["PlanOut"];
export type PlanPoint = Schemas["PlanPoint"];
export type Firing = Schemas["FiringOut"];
export type FiringDetail = Schemas["FiringDetail"];
export type Finding = Schemas["FindingOut"];
export type Segment = Schemas["SegmentOut"];
export type Curve = Schemas["CurveOut"];
export type Damaged = Schemas["DamagedOut"];
export type CurveChannel = Schemas["CurveChannel"];
export type Batch = Schemas["BatchOut"];
export type BatchIn = Schemas["BatchIn"];
export type WitnessCone = Schemas["WitnessConeOut"];
export type WitnessConeIn = Schemas["WitnessCone"];
export type ConeOffset = Schemas["ConeOffsetOut"];
export type WitnessCones = Schemas["WitnessConesOut"];
export type Condition = Schemas["ConditionOut"];
export type Outcome = Schemas["Outcome"];
export type Grade = Schemas["Grade"];
export type Fuel = Schemas["Fuel"];
export type Comparison = Schemas["ComparisonOut"];
export type ComparedFiring = Schemas["ComparedFiring"];
export type Alarm = Schemas["AlarmOut"];
export type Forecast = Schemas["ForecastOut"];
export type Role = Schemas["Role"];
export type Member = Schemas["MemberOut"];
export type Invitation = Schemas["InvitationOut"];
export type InvitationLink = Schemas["InvitationLinkOut"];
export type Invited = Schemas["InvitedOut"];
export type Token = Schemas["ApiTokenOut"];
export type NewToken = Schemas["NewApiTokenOut"];
export type AuditEntry = Schemas["AuditOut"];
export type Channel = Schemas["ChannelOut"];
export type BroughtIn = Schemas["BroughtInOut"];
export type Calibration = Schemas["CalibrationOut"];
export type FuelUnit = Schemas["FuelUnit"];
export type Changed = Schemas["SecondLookOut"];
export type Device = Schemas["PushSubscriptionOut"];

const time = (at: Date) => encodeURIComponent(at.toISOString());

export const api = {
  me: () => ask<Me>("GET", "/me"),
  changeMe: (body: Schemas["MeIn"]) => ask<Me>("PATCH", "/me", body),
  setUp: (body: Schemas["SetupIn"]) => ask<Me>("POST", "/setup", body),
  signIn: (body: Schemas["SignInIn"]) => ask<Me>("POST", "/session", body),
  signInByLink: (body: Schemas["LinkInIn"]) => ask<Me>("POST", "/session/link", body),
  askForPasskey: () => ask<Schemas["ChallengeOut"]>("POST", "/session/passkey/challenge"),
  signInByPasskey: (body: Schemas["PasskeySignInIn"]) => ask<Me>("POST", "/session/passkey", body),
  provider: () => ask<Schemas["ProviderOut"]>("GET", "/session/provider"),
  beginWithProvider: () => ask<Schemas["WayOut"]>("POST", "/session/provider/begin"),
  signInByProvider: (body: Schemas["ReturnIn"]) => ask<Me>("POST", "/session/provider", body),
  tie: () => ask<Schemas["TiedOut"]>("GET", "/me/provider"),
  beginToTie: (body: Schemas["ProofIn"]) => ask<Schemas["WayOut"]>("POST", "/me/provider/begin", body),
  untie: (body: Schemas["ProofIn"]) => ask<void>("POST", "/me/provider/untie", body),
  passkeys: () => ask<Schemas["PasskeysOut"]>("GET", "/me/passkeys"),
  askForNewPasskey: (body: Schemas["ProofIn"]) => ask<Schemas["ChallengeOut"]>("POST", "/me/passkeys/challenge", body),
  addPasskey: (body: Schemas["NewPasskeyIn"]) => ask<Schemas["PasskeysOut"]>("POST", "/me/passkeys", body),
  removePasskey: (body: Schemas["PasskeyEndIn"]) => ask<Schemas["PasskeysOut"]>("POST", "/me/passkeys/remove", body),
  chooseTwoFactors: (body: Schemas["TwoFactorsIn"]) => ask<Schemas["PasskeysOut"]>("PUT", "/me/two-factors", body),
  sessions: () => ask<SignedInAt[]>("GET", "/me/sessions"),
  endSessions: (body: Schemas["SessionEndIn"]) => ask<void>("POST", "/me/sessions/end", body),
  changePassword: (body: Schemas["PasswordIn"]) => ask<void>("PUT", "/me/password", body),
  signOut: () => ask<void>("DELETE", "/session"),

  kilns: () => ask<Kiln[]>("GET", "/kilns"),
  kiln: (id: number) => ask<Kiln>("GET", `/kilns/${id}`),
  addKiln: (body: Schemas["KilnIn"]) => ask<Kiln>("POST", "/kilns", body),
  changeKiln: (kiln: Kiln, body: Schemas["KilnChange"]) =>
    ask<Kiln>("PATCH", `/kilns/${kiln.id}`, body, { seen: kiln.version }),
  kilnCurve: (id: number, from: Date, to: Date, width: number) =>
    ask<Curve>("GET", `/kilns/${id}/curve?from_at=${time(from)}&to_at=${time(to)}&width=${width}`),

  bridges: () => ask<Bridge[]>("GET", "/bridges"),
  addBridge: (body: Schemas["BridgeIn"]) => ask<Pairing>("POST", "/bridges", body),
  newPairingCode: (id: number) => ask<Pairing>("POST", `/bridges/${id}/pairing-code`),
  revokeBridge: (id: number) => ask<Bridge>("POST", `/bridges/${id}/revoke`),

  members: (workshop: number) => ask<Member[]>("GET", `/workshops/${workshop}/members`),
  changeMember: (workshop: number, account: number, body: Schemas["MemberChange"]) =>
    ask<Member[]>("PATCH", `/workshops/${workshop}/members/${account}`, body),
  removeMember: (workshop: number, account: number) => ask<void>("DELETE", `/workshops/${workshop}/members/${account}`),
  invitations: (workshop: number) => ask<Invitation[]>("GET", `/workshops/${workshop}/invitations`),
  invite: (workshop: number, body: Schemas["InvitationIn"]) =>
    ask<InvitationLink>("POST", `/workshops/${workshop}/invitations`, body),
  takeBackInvitation: (workshop: number, id: number) => ask<void>("DELETE", `/workshops/${workshop}/invitations/${id}`),
  lookAtInvitation: (token: string) => ask<Invited>("POST", "/invitations/look", { token }),
  join: (body: Schemas["JoinIn"]) => ask<Me>("POST", "/invitations/join", body),
  tokens: (workshop: number) => ask<Token[]>("GET", `/workshops/${workshop}/tokens`),
  addToken: (workshop: number, body: Schemas["ApiTokenIn"]) =>
    ask<NewToken>("POST", `/workshops/${workshop}/tokens`, body),
  revokeToken: (workshop: number, id: number) => ask<void>("DELETE", `/workshops/${workshop}/tokens/${id}`),
  audit: (workshop: number, beforeId?: number) =>
    ask<AuditEntry[]>("GET", `/workshops/${workshop}/audit${beforeId === undefined ? "" : `?before_id=${beforeId}`}`),

  plans: () => ask<Plan[]>("GET", "/plans"),
  importPlans: (body: Schemas["ScheduleFileIn"]) => ask<Plan[]>("POST", "/plan-files", body),
  addPlan: (body: Schemas["PlanIn"]) => ask<Plan>("POST", "/plans", body),

  firings: (asked: { kilnId?: number | undefined; limit: number; beforeId?: number | undefined }) => {
    const query = new URLSearchParams({ limit: String(asked.limit) });
    if (asked.kilnId !== undefined) query.set("kiln_id", String(asked.kilnId));
    if (asked.beforeId !== undefined) query.set("before_id", String(asked.beforeId));
    return ask<Firing[]>("GET", `/firings?${query}`);
  },
  firing: (id: number) => ask<FiringDetail>("GET", `/firings/${id}`),
  changeFiring: (firing: Firing, body: Schemas["FiringChange"]) =>
    ask<FiringDetail>("PATCH", `/firings/${firing.id}`, body, { seen: firing.version }),
  endFiring: (id: number) => ask<FiringDetail>("POST", `/firings/${id}/end`),
  firingCurve: (id: number, width: number) => ask<Curve>("GET", `/firings/${id}/curve?width=${width}`),

  changeTimes: (firing: Firing, body: Schemas["TimesIn"]) =>
    ask<Changed>("PUT", `/firings/${firing.id}/times`, body, { seen: firing.version }),
  mergeFirings: (firing: Firing, laterId: number) =>
    ask<Changed>("POST", `/firings/${firing.id}/merge`, { firing_id: laterId }, { seen: firing.version }),
  unmergeFiring: (firing: Firing) =>
    ask<Changed>("POST", `/firings/${firing.id}/unmerge`, undefined, { seen: firing.version }),
  recomputeFiring: (id: number) => ask<Changed>("POST", `/firings/${id}/recompute`),
  judgeFinding: (id: number, verdict: Schemas["VerdictIn"]["verdict"]) =>
    ask<Finding>("PUT", `/findings/${id}/verdict`, { verdict }),
  channels: (kilnId: number) => ask<Channel[]>("GET", `/kilns/${kilnId}/channels`),
  changeChannel: (id: number, body: Schemas["ChannelChange"]) => ask<Channel>("PATCH", `/channels/${id}`, body),
  calibrations: (channelId: number) => ask<Calibration[]>("GET", `/channels/${channelId}/calibrations`),
  addCalibration: (channelId: number, body: Schemas["CalibrationIn"]) =>
    ask<Calibration>("POST", `/channels/${channelId}/calibrations`, body),
  removeCalibration: (id: number) => ask<void>("DELETE", `/calibrations/${id}`),

  forecast: (id: number) => ask<Forecast>("GET", `/firings/${id}/forecast`),
  readingsOf: (kiln: number, from: string, to: string, form: "csv" | "parquet" | "json") =>
    `/api/v1/kilns/${kiln}/file?from_at=${encodeURIComponent(from)}&to_at=${encodeURIComponent(to)}&format=${form}`,
  bringInLog: (kiln: number, file: File, said: Record<string, string>) => {
    const query = new URLSearchParams({ file_name: file.name.slice(0, 120), ...said });
    return send<BroughtIn>(`/kilns/${kiln}/logs?${query}`, file);
  },
  fileOf: (id: number, form: "csv" | "parquet" | "json") => `/api/v1/firings/${id}/file?format=${form}`,

  batches: (firingId: number) => ask<Batch[]>("GET", `/firings/${firingId}/batches`),
  addBatch: (firingId: number, body: BatchIn, key: string) =>
    ask<Batch>("POST", `/firings/${firingId}/batches`, body, { key }),
  changeBatch: (batch: Batch, body: BatchIn) =>
    ask<Batch>("PUT", `/batches/${batch.id}`, body, { seen: batch.version }),
  removeBatch: (batch: Batch) => ask<void>("DELETE", `/batches/${batch.id}`, undefined, { seen: batch.version }),
  witnessCones: (firingId: number) => ask<WitnessCones>("GET", `/firings/${firingId}/witness-cones`),
  writeWitnessCones: (known: WitnessCones, cones: WitnessConeIn[]) =>
    ask<WitnessCones>("PUT", `/firings/${known.firing_id}/witness-cones`, { cones }, { seen: known.version }),
  coneOffsets: (kilnId: number) => ask<ConeOffset[]>("GET", `/kilns/${kilnId}/cone-offsets`),
  condition: (kilnId: number) => ask<Condition>("GET", `/kilns/${kilnId}/condition`),
  comparison: (ids: readonly number[], align: Comparison["align"]) =>
    ask<Comparison>("GET", `/comparison?${ids.map((id) => `firing=${id}`).join("&")}&align=${align}`),

  alarms: (state: "open" | "all", limit = 200, beforeId?: number) =>
    ask<Alarm[]>(
      "GET",
      `/alarms?state=${state}&limit=${limit}${beforeId === undefined ? "" : `&before_id=${beforeId}`}`,
    ),
  acknowledge: (id: number) => ask<Alarm>("POST", `/alarms/${id}/acknowledge`),
  lookByToken: (token: string) => ask<Alarm>("POST", "/acknowledge/look", { token }),
  acknowledgeByToken: (token: string) => ask<Alarm>("POST", "/acknowledge", { token }),

  devices: () => ask<Device[]>("GET", "/push-subscriptions"),
  addDevice: (body: Schemas["PushSubscriptionIn"]) => ask<Device>("POST", "/push-subscriptions", body),
  removeDevice: (id: number) => ask<void>("DELETE", `/push-subscriptions/${id}`),
  testDevice: (id: number) => ask<Device>("POST", `/push-subscriptions/${id}/test`),
};
