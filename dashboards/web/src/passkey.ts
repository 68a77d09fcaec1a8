import type { Schemas } from "./api";
import { ApiError } from "./api/client";
import { keyBytes } from "./push";

const IS_NUMBER = /^\[|^[\d.]+$/; // an address of digits has no passkeys: they belong to a name

/** Say whether a passkey can be had in this browser, at this address. */
export const canHavePasskeys = (): boolean =>
  window.isSecureContext && "PublicKeyCredential" in window && !IS_NUMBER.test(location.hostname);

function text(bytes: ArrayBuffer): string {
  const plain = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return plain.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

type CredentialRequest = PublicKeyCredentialRequestOptions;
type Asked = Schemas["ChallengeOut"]["options"];

/** Let this device make a passkey: it asks for a finger, a face or its own code. */
export async function makePasskey(asked: Asked): Promise<Schemas["NewPasskeyIn"]> {
  const options = asked as unknown as PublicKeyCredentialCreationOptionsJSON;
  const publicKey = {
    ...options,
    challenge: keyBytes(options.challenge),
    user: { ...options.user, id: keyBytes(options.user.id) },
    excludeCredentials: (options.excludeCredentials ?? []).map(({ id }) => ({
      type: "public-key" as const,
      id: keyBytes(id),
    })),
  } as unknown as PublicKeyCredentialCreationOptions;
  const made = await shown(navigator.credentials.create({ publicKey }));
  const said = made.response as AuthenticatorAttestationResponse;
  return { client_data: text(said.clientDataJSON), attestation: text(said.attestationObject) };
}

/** Let a passkey of this device sign: whose it is, the service finds out. */
export async function signWithPasskey(asked: Asked): Promise<Schemas["PasskeySignInIn"]> {
  const options = asked as unknown as PublicKeyCredentialRequestOptionsJSON;
  const publicKey = { ...options, challenge: keyBytes(options.challenge) };
  const made = await shown(navigator.credentials.get({ publicKey: publicKey as unknown as CredentialRequest }));
  const said = made.response as AuthenticatorAssertionResponse;
  return {
    credential_id: text(made.rawId),
    client_data: text(said.clientDataJSON),
    authenticator_data: text(said.authenticatorData),
    signature: text(said.signature),
  };
}

/** Return what the device made, or say in our own way why it made nothing. */
async function shown(asked: Promise<Credential | null>): Promise<PublicKeyCredential> {
  try {
    const made = await asked;
    if (made instanceof PublicKeyCredential) return made;
  } catch (error) {
    const isKnown = error instanceof DOMException && error.name === "InvalidStateError";
    throw new ApiError(isKnown ? "passkey_known" : "passkey_stopped", 0, String(error));
  }
  throw new ApiError("passkey_stopped", 0, "the device made nothing");
}
