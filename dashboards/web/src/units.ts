import { type Language, sayIn, type WordKey } from "./words";

declare const unit: unique symbol;
export type Celsius = number & { readonly [unit]: "°C" }; // a level
export type CelsiusDelta = number & { readonly [unit]: "°C apart" }; // a difference: no 32 on the way to °F
export type CelsiusPerHour = number & { readonly [unit]: "°C/h" };
export type Seconds = number & { readonly [unit]: "s" };

export const celsius = (value: number) => value as Celsius;
export const delta = (value: number) => value as CelsiusDelta;
export const perHour = (value: number) => value as CelsiusPerHour;
export const seconds = (value: number) => value as Seconds;

const LOCALES: Readonly<Record<Language, string>> = { vi: "vi-VN", en: "en-GB" };
const MINUS = "−";
const FLAT_C_PER_H = 3; // slower than this, a kiln stands still to its potter

export type Trend = "up" | "down" | "flat";
export const trend = (rate: CelsiusPerHour): Trend =>
  Math.abs(rate) < FLAT_C_PER_H ? "flat" : rate > 0 ? "up" : "down";

/** What a quantity looks like on screen in one language. */
export interface Formats {
  number(value: number, digits?: number): string;
  temperature(value: Celsius): string;
  apart(value: CelsiusDelta): string;
  rate(value: CelsiusPerHour): string;
  bareRate(value: CelsiusPerHour): string;
  percent(part: number): string;
  duration(length: Seconds): string;
  clock(at: Date): string;
  clockExact(at: Date): string;
  day(at: Date): string;
  dayShort(at: Date): string;
  dayClock(at: Date): string;
}

function lengthIn(say: (key: WordKey, n: number) => string, length: Seconds): string {
  const whole = Math.max(0, Math.round(length));
  if (whole < 60) return say("unit.second", whole);
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return say("unit.minute", minutes);
  const hours = Math.floor(minutes / 60);
  if (hours >= 72) return say("unit.day", Math.round(hours / 24));
  const rest = minutes % 60;
  return rest === 0 ? say("unit.hour", hours) : `${say("unit.hour", hours)} ${say("unit.minute", rest)}`;
}

export function formats(language: Language): Formats {
  const say = sayIn(language);
  const locale = LOCALES[language];
  const numbers = [0, 1, 2].map((digits) =>
    [false, true].map(
      (useGrouping) =>
        new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping }),
    ),
  );
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const clock = new Intl.DateTimeFormat(locale, time);
  const clockExact = new Intl.DateTimeFormat(locale, { ...time, second: "2-digit" });
  const dayOf = new Intl.DateTimeFormat(locale, { day: "2-digit", month: "2-digit", year: "numeric" });
  const number = (value: number, digits = 0) => {
    const isLong = Math.abs(value) >= 10_000; // 1250, not 1.250: beside a kiln a dot reads as a decimal
    const written = (numbers[digits] ?? numbers[2])?.[Number(isLong)]?.format(value) ?? String(value);
    const unsigned = written.replace(/^[-−]/, "");
    return unsigned !== written && /[1-9]/.test(unsigned) ? MINUS + unsigned : unsigned;
  };
  const signed = (value: number) => (Math.round(value) > 0 ? `+${number(value)}` : number(value));
  return {
    number,
    temperature: (value) => `${number(value)} °C`,
    apart: (value) => `${number(value)} °C`,
    rate: (value) => `${signed(value)} ${say("unit.rate")}`,
    bareRate: signed,
    percent: (part) => `${number(part * 100)} %`,
    duration: (length) => lengthIn((key, n) => say(key, { n }), length),
    clock: (at) => clock.format(at),
    clockExact: (at) => clockExact.format(at),
    day: (at) => dayOf.format(at),
    dayShort: (at) => dayOf.format(at).slice(0, -5), // without the year
    dayClock: (at) => `${clock.format(at)} ${dayOf.format(at)}`,
  };
}
