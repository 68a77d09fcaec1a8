import type { viPasskeys } from "./vi-passkeys";

export const enPasskeys: Record<keyof typeof viPasskeys, string> = {
  "passkeys.enter": "Enter with finger or face",
  "passkeys.title": "Finger, face",
  "passkeys.why":
    "This device knows you by finger, face or the code that unlocks it, and signs you in instead of a password. Your finger never leaves it.",
  "passkeys.add": "Use the finger on this device",
  "passkeys.made": "added {time}",
  "passkeys.only": "Let me in with finger or face only. Whoever knows the password does not get in.",
  "passkeys.close": "Let the password open nothing",
  "passkeys.open": "Let the password in again",
  "passkeys.remove": "Remove this device",
  "passkeys.removeWhy":
    "All your devices sign in again, and alarms ring on each of them only once they are switched on there again.",
  "passkeys.nowEnter": "The password is changed. Now enter with finger or face.",
  "passkeys.needTitle": "One more step, {name}",
  "passkeys.need": "A password is not enough here. Use your finger, your face or the code of this device, this once.",
  "passkeys.cannot": "Finger or face are needed here, and this device cannot do it: open the page on your phone.",

  "provider.enter": "Enter with {name}",
  "provider.title": "{name} account",
  "provider.why": "Tie your {name} account to this one, and sign in with it instead of the password.",
  "provider.tied": "Tied to {who}.",
  "provider.tie": "Tie the {name} account",
  "provider.untie": "Untie the {name} account",
  "provider.unknown":
    "Not signed in: that account is tied to nobody here. Enter with the password, then tie it in the settings.",
  "error.provider_failed": "The identity provider does not answer. Try again later, or enter another way.",

  "error.wrong_proof": "The password is not right.",
  "error.too_late": "Five minutes have passed, or this was used already. Begin again.",
  "error.passkey_stopped": "Not done: you cancelled, or the device did not know you. Try again.",
  "error.passkey_known": "This device signs you in here already.",
  "error.passkey_needed": "This account is entered with finger or face only.",

  "audit.passkey_made": "added a finger or face",
  "audit.passkey_removed": "removed a finger or face",
  "audit.passkey_asked_for": "lets only finger or face in",
  "audit.password_enough_again": "lets the password in again",
  "audit.passkeys_forgotten": "forgot somebody's fingers and faces",
  "audit.password_changed": "changed the password",
  "audit.login_changed": "changed the e-mail or phone number",
  "audit.sessions_ended": "signed out other devices",
  "audit.identity_tied": "tied another account to sign in with",
  "audit.identity_untied": "untied the other account",
};
