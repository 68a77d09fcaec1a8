import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { drawNames, roomForNames } from "./ends";
import { type Area, drawBands, drawFlags, drawHatched, FLAGS_PX, type Mark, type Stretch } from "./marks";

export interface Line {
  name: string;
  x: readonly number[];
  y: readonly (number | null)[];
  colour: string;
  dash: readonly number[];
  width: number;
}

export interface ChartView {
  lines: readonly Line[];
  marks: readonly Mark[];
  hatched: readonly Stretch[]; // where the lines are not of the readings themselves
  from: number;
  to: number;
  isClock: boolean;
  writeX(value: number): string;
  writeY(value: number): string;
}

const INK = "#9fb0d0";
const GRID = "#22304f";
const FONT = '500 13px "Be Vietnam Pro", sans-serif';
const Y_AXIS_PX = 52;

/** One chart on the page: lines on a common x, marks behind them, and the place under the finger. */
export class Chart {
  private plot: uPlot | null = null;
  private shape = "";
  private view: ChartView | null = null;
  private readonly resized: ResizeObserver;

  constructor(
    private readonly host: HTMLElement,
    private readonly onPlace: (x: number | null) => void,
  ) {
    this.resized = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.resized.observe(host);
  }

  draw(view: ChartView): void {
    this.view = view;
    const data = joined(view.lines);
    const shape = JSON.stringify([view.isClock, view.lines.map((line) => [line.name, line.colour, line.dash])]);
    if (this.plot === null || shape !== this.shape) {
      this.plot?.destroy();
      this.plot = new uPlot(this.options(view), data, this.host);
      this.followFinger(this.plot.over);
      this.shape = shape;
    } else {
      this.plot.setData(data, false);
    }
    this.plot.setScale("x", { min: view.from, max: view.to });
  }

  /** Take the finger's place away again. */
  letGo(): void {
    this.plot?.setCursor({ left: -10, top: -10 });
  }

  destroy(): void {
    this.resized.disconnect();
    this.plot?.destroy();
  }

  private size(): { width: number; height: number } {
    return { width: Math.max(120, this.host.clientWidth), height: Math.max(180, this.host.clientHeight) };
  }

  private options(view: ChartView): uPlot.Options {
    const axis = { stroke: INK, font: FONT, ticks: { stroke: GRID, width: 1 }, grid: { stroke: GRID, width: 1 } };
    return {
      ...this.size(),
      legend: { show: false },
      padding: [() => (this.view?.marks.length ? FLAGS_PX : 12), (plot) => this.roomRight(plot), 0, 0],
      cursor: { y: false, points: { size: 9, width: 2 }, drag: { x: false, y: false } },
      scales: { x: { time: view.isClock }, y: { range: (_plot, low, high) => roomAround(low, high) } },
      axes: [
        {
          ...axis,
          space: 64,
          size: 36,
          ...(view.isClock ? {} : { incrs: WHOLE_STEPS }),
          values: (_plot, splits) => splits.map((split) => this.view?.writeX(split) ?? ""),
        },
        {
          ...axis,
          size: Y_AXIS_PX,
          incrs: WHOLE_DEGREES,
          values: (_plot, splits) => splits.map((split) => this.view?.writeY(split) ?? ""),
        },
      ],
      series: [{}, ...view.lines.map(seriesOf)],
      hooks: {
        drawClear: [
          (plot) => drawHatched(plot.ctx, areaOf(plot), this.view?.hatched ?? []),
          (plot) => drawBands(plot.ctx, areaOf(plot), this.view?.marks ?? []),
        ],
        draw: [(plot) => this.nameEnds(plot), (plot) => drawFlags(plot.ctx, areaOf(plot), this.view?.marks ?? [])],
        setCursor: [(plot) => this.onPlace(isInside(plot) ? plot.posToVal(plot.cursor.left ?? 0, "x") : null)],
      },
    };
  }

  /** Let a finger slide along the curve; the page still scrolls up and down under it. */
  private followFinger(over: HTMLElement): void {
    over.style.touchAction = "pan-y";
    const move = (event: PointerEvent) => {
      if (event.pointerType === "mouse") return;
      const box = over.getBoundingClientRect();
      this.plot?.setCursor({ left: event.clientX - box.left, top: event.clientY - box.top });
    };
    over.addEventListener("pointerdown", move);
    over.addEventListener("pointermove", move);
  }

  private roomRight(plot: uPlot): number {
    return this.view ? roomForNames(plot.ctx, this.view.lines, this.view, plot.width - Y_AXIS_PX) : 0;
  }

  private nameEnds(plot: uPlot): void {
    if (this.view) drawNames(plot.ctx, areaOf(plot), this.view.lines, this.view);
  }
}

// Hours go in halves and days' parts, degrees in fifties: no step that one decimal cannot write.
const WHOLE_STEPS = [0.5, 1, 2, 3, 6, 12, 24, 50, 100, 200, 500];
const WHOLE_DEGREES = [1, 2, 5, 10, 20, 50, 100, 200, 500];

function joined(lines: readonly Line[]): uPlot.AlignedData {
  if (lines.length === 0) return [[]];
  const tables = lines.map((line): uPlot.AlignedData => [line.x as number[], line.y as (number | null)[]]);
  const expandNulls = 2; // a gap stays as wide as it was when the other lines' times come between
  return uPlot.join(
    tables,
    lines.map(() => [expandNulls, expandNulls]),
  );
}

function seriesOf(line: Line): uPlot.Series {
  return {
    label: line.name,
    stroke: line.colour,
    width: line.width,
    points: { show: false },
    ...(line.dash.length > 0 ? { dash: [...line.dash] } : {}),
  };
}

const roomAround = (low: number | null, high: number | null): [number, number] => {
  if (low === null || high === null) return [0, 100];
  const room = Math.max(10, (high - low) * 0.08);
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
};

const areaOf = (plot: uPlot): Area => ({
  ...{ left: plot.bbox.left, top: plot.bbox.top, width: plot.bbox.width, height: plot.bbox.height },
  pixelRatio: devicePixelRatio,
  xOf: (value) => plot.valToPos(value, "x", true),
  yOf: (value) => plot.valToPos(value, "y", true),
});

const isInside = (plot: uPlot): boolean => (plot.cursor.left ?? -1) >= 0 && plot.cursor.idx !== null;
