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

const THOUSANDS = /^[-−]?[1-9]\d{0,2}[.,]\d{3}$/; // 1.250 is 1250 to one reader and 1¼ to another

/** Return the number that a field says, with a point or a comma; null if it says none, or one of two. */
export function numberOf(text: string): number | null {
  const typed = text.trim();
  if (THOUSANDS.test(typed) || !/^[-−]?\d+([.,]\d+)?$/.test(typed)) return null;
  return Number(typed.replace(",", ".").replace("−", "-"));
}
