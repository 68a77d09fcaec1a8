import { createStore, useStore } from "../store";
import { en } from "./en";
import { vi } from "./vi";

export type WordKey = keyof typeof vi;
export type Words = { readonly [key in WordKey]: string };
export type Language = "vi" | "en";
export type Say = (key: WordKey, parts?: Readonly<Record<string, string | number>>) => string;

const WORDS: Readonly<Record<Language, Words>> = { vi, en };
const KEPT_AS = "canhlo.language";

/** Return the words of a language; `{name}` in them is filled from `parts`. */
export function sayIn(language: Language): Say {
  return (key, parts = {}) => WORDS[language][key].replace(/\{(\w+)\}/g, (hole, name) => String(parts[name] ?? hole));
}

export const isWordKey = (key: string): key is WordKey => Object.hasOwn(vi, key);

function kept(): Language {
  try {
    return localStorage.getItem(KEPT_AS) === "en" ? "en" : "vi";
  } catch {
    return "vi"; // no storage here: private window, or no browser at all
  }
}

export const hasChosen = (): boolean => {
  try {
    return localStorage.getItem(KEPT_AS) !== null;
  } catch {
    return false;
  }
};

export const language = createStore<Language>(kept());

export function chooseLanguage(chosen: Language): void {
  try {
    localStorage.setItem(KEPT_AS, chosen);
  } catch {
    // it holds for this visit
  }
  document.documentElement.lang = chosen;
  language.set(chosen);
}

export function useSay(): Say {
  return sayIn(useStore(language));
}
