/** The colour of a kiln's inside: what the eye sees through the spy hole. */
const GLOW: readonly (readonly [number, readonly [number, number, number]])[] = [
  [20, [16, 24, 44]],
  [450, [34, 22, 34]],
  [600, [92, 20, 16]],
  [800, [168, 38, 14]],
  [950, [224, 74, 18]],
  [1100, [250, 132, 36]],
  [1250, [255, 190, 92]],
  [1350, [255, 232, 180]],
];

export function glow(tempC: number | null): string {
  const temp = tempC ?? 0;
  const next = GLOW.findIndex(([limit]) => limit >= temp);
  const [a, b] = [GLOW[Math.max(0, (next < 0 ? GLOW.length : next) - 1)], GLOW[next < 0 ? GLOW.length - 1 : next]];
  if (!a || !b) return "rgb(16 24 44)";
  const part = a[0] === b[0] ? 0 : Math.min(1, (temp - a[0]) / (b[0] - a[0]));
  const mix = a[1].map((from, index) => Math.round(from + ((b[1][index] ?? from) - from) * Math.max(0, part)));
  return `rgb(${mix.join(" ")})`;
}
