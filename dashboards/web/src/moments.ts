/** Times as a form has them: by the clock on the wall, to the minute. */

const two = (value: number) => String(value).padStart(2, "0");

/** Return a moment as an input of type datetime-local wants it. */
export function wallTime(at: Date): string {
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** Return what a form says as the service takes it; what was not touched stays to the second. */
export function momentOf(text: string, before: string | null): string | null {
  if (before !== null && text === wallTime(new Date(before))) return before;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}

/** Return the number that a field says, with a point or a comma; null if it says none. */
export function numberOf(text: string): number | null {
  const plain = text.trim().replace(",", ".");
  return /^[-−]?\d+(\.\d+)?$/.test(plain) ? Number(plain.replace("−", "-")) : null;
}
