import type { Finding } from "./api";

/** From where to where on a chart. */
export interface Stretch {
  from: number;
  to: number;
}

/** A stretch of a chart that a numbered finding is about. */
export interface Mark extends Stretch {
  label: string;
  severity: Finding["severity"];
}

/** Where a chart's drawing area is, in canvas pixels. */
export interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
  pixelRatio: number;
  xOf(value: number): number;
  yOf(value: number): number;
}

export const SEVERITY_COLOURS: Readonly<Record<Finding["severity"], string>> = {
  info: "#8fb4ff",
  warning: "#ffc45c",
  critical: "#ff6b57",
};

interface Placed<M extends Stretch> {
  mark: M;
  from: number;
  to: number;
}

function placed<M extends Stretch>(area: Area, marks: readonly M[]): Placed<M>[] {
  const right = area.left + area.width;
  return marks.flatMap((mark) => {
    const [start, end] = [area.xOf(mark.from), Math.max(area.xOf(mark.to), area.xOf(mark.from) + 2 * area.pixelRatio)];
    if (start >= right || end <= area.left) return [];
    return [{ mark, from: Math.max(area.left, start), to: Math.min(right, end) }];
  });
}

/** Shade the stretches; they lie behind everything else. */
export function drawBands(context: CanvasRenderingContext2D, area: Area, marks: readonly Mark[]): void {
  context.save();
  for (const { mark, from, to } of placed(area, marks)) {
    context.globalAlpha = mark.severity === "info" ? 0.08 : 0.14;
    context.fillStyle = SEVERITY_COLOURS[mark.severity];
    context.fillRect(from, area.top, to - from, area.height);
  }
  context.restore();
}

const HATCH = "#3d4d73";
const HATCH_PX = 9;

/** Hatch the stretches, as drawings do what is cut. */
export function drawHatched(context: CanvasRenderingContext2D, area: Area, stretches: readonly Stretch[]): void {
  context.save();
  context.strokeStyle = HATCH;
  context.lineWidth = 1.5 * area.pixelRatio;
  for (const { from, to } of placed(area, stretches)) {
    context.save();
    context.beginPath();
    context.rect(from, area.top, to - from, area.height);
    context.clip();
    context.beginPath();
    for (let x = from - area.height; x < to; x += HATCH_PX * area.pixelRatio) {
      context.moveTo(x, area.top + area.height);
      context.lineTo(x + area.height, area.top);
    }
    context.stroke();
    context.restore();
  }
  context.restore();
}

export const FLAGS_PX = 30; // a row of flags above the drawing area

/** Number the stretches above the curves; flags that would cover each other go one below the other. */
export function drawFlags(context: CanvasRenderingContext2D, area: Area, marks: readonly Mark[]): void {
  const size = 11 * area.pixelRatio;
  const right = area.left + area.width;
  const taken: number[] = [];
  context.save();
  for (const { mark, from } of placed(area, marks)) {
    const x = Math.min(Math.max(from + size, area.left + size), right - size);
    const level = taken.filter((other) => Math.abs(other - x) < 2.2 * size).length;
    taken.push(x);
    drawFlag(context, x, area.top + size * (2.3 * level - 1.3), size, mark);
  }
  context.restore();
}

/** Severity shows in the flag's shape too: circle, square, diamond. */
function drawFlag(context: CanvasRenderingContext2D, x: number, y: number, size: number, mark: Mark): void {
  context.beginPath();
  if (mark.severity === "info") context.arc(x, y, size * 0.9, 0, 2 * Math.PI);
  else if (mark.severity === "warning") context.rect(x - size * 0.85, y - size * 0.85, size * 1.7, size * 1.7);
  else {
    context.moveTo(x, y - size * 1.2);
    for (const [dx, dy] of [
      [1.2, 0],
      [0, 1.2],
      [-1.2, 0],
    ] as const)
      context.lineTo(x + dx * size, y + dy * size);
    context.closePath();
  }
  context.fillStyle = SEVERITY_COLOURS[mark.severity];
  context.fill();
  context.fillStyle = "#0a1020";
  context.font = `700 ${size * 1.15}px "Be Vietnam Pro", sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(mark.label, x, y + size * 0.08);
}
