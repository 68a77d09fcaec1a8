import { createStore, useStore } from "./store";

export type Params = Readonly<Record<string, string>>;

/** Return the named parts of a path such as `/kilns/:id`, or null when it is another path. */
export function match(pattern: string, path: string): Params | null {
  const wanted = pattern.split("/").filter(Boolean);
  const given = path.split("/").filter(Boolean);
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? "";
    if (part.startsWith(":")) params[part.slice(1)] = decodeURIComponent(value);
    else if (part !== value) return null;
  }
  return params;
}

export interface Place {
  path: string;
  search: string;
  hash: string;
}

const here = (): Place => ({ path: location.pathname, search: location.search, hash: location.hash });
const place = createStore<Place>({ path: "/", search: "", hash: "" });

export function navigate(to: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  place.set(here());
  scrollTo(0, 0);
}

/** Say whether a click on a link is the page's own to follow (not a new tab, a download or another site). */
function isOurs(event: MouseEvent, link: HTMLAnchorElement): boolean {
  if (link.hash !== "" && link.pathname === location.pathname) return false; // to a place on this page
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  return plain && link.origin === location.origin && !link.target && !link.hasAttribute("download");
}

export function startRouter(): void {
  place.set(here());
  addEventListener("popstate", () => place.set(here()));
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || event.defaultPrevented || !isOurs(event, link)) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}

export const usePlace = (): Place => useStore(place);
