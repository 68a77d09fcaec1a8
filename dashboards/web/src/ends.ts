import type { Area } from "./marks";

/** A line as far as its name needs it. */
export interface NamedLine {
  name: string;
  x: readonly number[];
  y: readonly (number | null)[];
  colour: string;
}

/** What part of time, or of temperature, a chart shows. */
export interface Window {
  from: number;
  to: number;
}

const FONT_PX = 12;
const LINE_PX = 15;
const GAP_PX = 12; // between a line's end and its name; a short stroke leads over
const EDGE_PX = 3; // between a name and the edge
const LEAST_PX = 14; // the last hour's figure below the chart stands half outside
const MOST_LINES = 3; // as far as a name is moved off a line: further away, nobody sees whose it is
const NEARLY = 0.01; // sums of pixels are not exact
const MOST = 0.37; // of the width: a longer name is shortened, it stands in full above the chart

const fontOf = (px: number) => `600 ${px}px "Be Vietnam Pro", sans-serif`;

interface End {
  line: NamedLine;
  x: number;
  y: number;
}

/** Where the lines end within the window; a line that is alone needs no name. */
function endsOf(lines: readonly NamedLine[], { from, to }: Window): End[] {
  if (lines.length < 2) return [];
  return lines.flatMap((line): End[] => {
    for (let last = line.x.length - 1; last >= 0; last -= 1) {
      const [x, y] = [line.x[last], line.y[last]];
      if (x === undefined || x > to || y === undefined || y === null) continue;
      return x < from ? [] : [{ line, x, y }];
    }
    return [];
  });
}

/** Return the room that the names need right of a chart, in CSS pixels, of `widthPx` for both. */
export function roomForNames(
  context: CanvasRenderingContext2D,
  lines: readonly NamedLine[],
  window: Window,
  widthPx: number,
): number {
  context.save();
  context.font = fontOf(FONT_PX);
  const needs = endsOf(lines, window).map(({ line, x }) => {
    const part = window.to > window.from ? (x - window.from) / (window.to - window.from) : 1;
    const beyond = GAP_PX + context.measureText(line.name).width + EDGE_PX - (1 - part) * widthPx;
    return beyond > 0 ? beyond / part : 0;
  });
  context.restore();
  return Math.min(MOST * widthPx, Math.max(LEAST_PX, ...needs));
}

/** Return places as near to the wanted ones, which go up, as they can be `apart` and between `low` and `high`. */
export function spread(wanted: readonly number[], apart: number, low: number, high: number): number[] {
  const step = Math.min(apart, (high - low) / Math.max(1, wanted.length - 1));
  const groups: { sum: number; size: number }[] = []; // of neighbours that push each other, without their steps
  for (const [index, place] of wanted.entries()) {
    let group = { sum: place - index * step, size: 1 };
    for (
      let before = groups.at(-1);
      before && before.sum / before.size > group.sum / group.size;
      before = groups.at(-1)
    ) {
      group = { sum: before.sum + group.sum, size: before.size + group.size };
      groups.pop();
    }
    groups.push(group);
  }
  const highest = high - (wanted.length - 1) * step;
  return groups
    .flatMap(({ sum, size }) => Array<number>(size).fill(Math.min(highest, Math.max(low, sum / size))))
    .map((place, index) => place + index * step);
}

/** A stretch from low to high. */
type Stretch = readonly [number, number];

/** Move names that stand together as little as takes them off the lines, `taken` of each; too far is worse. */
export function offLines(
  places: readonly number[],
  taken: readonly (readonly Stretch[])[],
  apart: number,
  low: number,
  high: number,
): number[] {
  const moved: number[] = [];
  for (let first = 0, next = 1; first < places.length; first = next, next += 1) {
    while (next < places.length && (places[next] ?? 0) - (places[next - 1] ?? 0) < apart + NEARLY) next += 1;
    const group = places.slice(first, next).map((place, index) => ({ place, taken: taken[first + index] ?? [] }));
    const isFree = (way: number) =>
      group.every((one) =>
        one.taken.every(([from, to]) => one.place + way < from + NEARLY || to - NEARLY < one.place + way),
      );
    const isInside = (way: number) => group.every(({ place }) => low <= place + way && place + way <= high);
    const ways = group
      .flatMap((one) => one.taken.flat().map((edge) => edge - one.place))
      .filter((way) => Math.abs(way) <= MOST_LINES * apart && isInside(way) && isFree(way))
      .sort((one, other) => Math.abs(one) - Math.abs(other));
    const way = isFree(0) ? 0 : (ways[0] ?? 0);
    moved.push(...group.map(({ place }) => place + way));
  }
  return moved;
}

/** Return which heights a line takes between two places from left to right, null where it is not. */
export function heightsOf(
  line: NamedLine,
  area: Pick<Area, "xOf" | "yOf">,
  left: number,
  right: number,
): Stretch | null {
  const heights: number[] = [];
  for (let index = line.x.length - 1; index > 0; index -= 1) {
    const [x0, x1, y0, y1] = [line.x[index - 1], line.x[index], line.y[index - 1], line.y[index]];
    if (x0 === undefined || x1 === undefined || area.xOf(x1) < left) break;
    if (typeof y0 !== "number" || typeof y1 !== "number" || area.xOf(x0) > right) continue;
    const [from, to] = [area.xOf(x0), area.xOf(x1)];
    const heightAt = (at: number) => {
      const part = to > from ? (Math.min(to, Math.max(from, at)) - from) / (to - from) : 0;
      return area.yOf(y0 + part * (y1 - y0));
    };
    heights.push(heightAt(left), heightAt(right));
  }
  return heights.length === 0 ? null : [Math.min(...heights), Math.max(...heights)];
}

/** Take letters out of a name's middle until it fits: what tells it from others is often at its end. */
export function shortened(name: string, fits: (name: string) => boolean): string {
  let shown = name;
  for (let kept = name.length - 2; kept > 1 && !fits(shown); kept -= 1) {
    const head = Math.ceil(kept / 2);
    shown = `${name.slice(0, head).trimEnd()}…${name.slice(head - kept).trimStart()}`;
  }
  return shown;
}

/** Write each line's name beside its end, clear of the lines and of each other: colour is not the only way to tell. */
export function drawNames(
  context: CanvasRenderingContext2D,
  area: Area,
  lines: readonly NamedLine[],
  window: Window,
): void {
  const px = area.pixelRatio;
  const half = (LINE_PX / 2) * px;
  const [low, high] = [area.top + half, area.top + area.height - half];
  context.save();
  context.font = fontOf(FONT_PX * px);
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.setLineDash([]);
  const ends = endsOf(lines, window).map(({ line, x, y }) => {
    const [tip, height] = [area.xOf(x), area.yOf(y)];
    const left = tip + GAP_PX * px;
    const name = shortened(line.name, (one) => left + context.measureText(one).width <= context.canvas.width);
    const right = left + context.measureText(name).width;
    const taken = lines.flatMap((one): Stretch[] => {
      const heights = heightsOf(one, area, left, right);
      return heights === null ? [] : [[heights[0] - half, heights[1] + half]];
    });
    return { name, colour: line.colour, tip, height, left, taken };
  });
  ends.sort((a, b) => a.height - b.height);
  const apart = LINE_PX * px;
  const together = spread(
    ends.map((end) => end.height),
    apart,
    low,
    high,
  );
  const clear = offLines(
    together,
    ends.map((end) => end.taken),
    apart,
    low,
    high,
  );
  const places = spread(clear, apart, low, high);
  for (const [index, { name, colour, tip, height, left }] of ends.entries()) {
    const place = places[index] ?? height;
    context.strokeStyle = colour;
    context.lineWidth = px;
    context.beginPath();
    context.moveTo(tip + 2 * px, height);
    context.lineTo(left - 2 * px, place);
    context.stroke();
    context.strokeStyle = "#0d1529";
    context.lineWidth = 4 * px;
    context.strokeText(name, left, place);
    context.fillStyle = colour;
    context.fillText(name, left, place);
  }
  context.restore();
}
